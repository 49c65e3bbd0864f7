"""Programs that draw over their own rows: what they finish counts once, what turns does not."""

from __future__ import annotations

from random import Random

import pytest

from panes.live_region import ERASED_BARS, LiveRegion, draw_agent, draw_bars, draw_table
from panes.private_tmux import PrivateTmux, Puppet
from panes.watching import Watch

VERBS = ("Kneading", "Pondering", "Cooking", "Brewing")


class Transcript:
    """Finished lines: numbered and repeated ones, blank ones, few and more than a screen."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)  # noqa: S311  # the same each time
        self.printed: list[str] = []

    def grow(self) -> list[str]:
        """Return what is printed next, often nothing."""
        count = self._random.choice((0, 0, 0, 1, 2, 3, 8, 30))
        lines = [self._write(len(self.printed) + n) for n in range(count)]
        self.printed += lines
        return lines

    def _write(self, number: int) -> str:
        return self._random.choice(
            (
                f"⏺ transcript {number}",
                f"  ⎿ Read {number} lines",
                f"WARN {'abc'[number % 3]} seen",
                "",
            )
        )

    def check(self, seen: list[str]) -> list[str]:
        """Check that each line came once and in order, and return what came besides."""
        mine = {line for line in self.printed if line}
        assert [line for line in seen if line in mine] == [line for line in self.printed if line]
        return [line for line in seen if line and line not in mine]


@pytest.fixture(params=(1.0, 0.5), ids=("every-frame", "half-the-frames"))
def share(request: pytest.FixtureRequest) -> float:
    """The share of the frames that a look falls on."""
    share: float = request.param
    return share


@pytest.mark.parametrize(
    ("below", "raised"), [(True, 0), (False, 0), (True, 3)], ids=["below", "at-the-end", "in-box"]
)
def test_an_agent_draws_its_box_below_a_transcript(
    tmux: PrivateTmux, share: float, below: bool, raised: int
) -> None:
    puppet, watch = Puppet(tmux), Watch(tmux)
    region = LiveRegion(puppet, below=below, raised=raised)
    transcript, looks = Transcript(seed=raised), Random(5)  # noqa: S311  # the same each time
    for second in range(40):
        region.draw(transcript.grow(), draw_agent(second))
        if looks.random() < share:
            watch.look()
    watch.look()
    rest = transcript.check(watch.witness.texts(puppet.pane))
    assert 2 <= len(rest) <= 5, "the spinner and the rows of the box, once"
    assert len({line[:5] for line in rest}) == len(rest)
    assert watch.witness.gaps(puppet.pane) == 0


def test_a_spinner_that_changes_its_word_is_bounded_by_its_words(tmux: PrivateTmux) -> None:
    puppet, watch = Puppet(tmux), Watch(tmux)
    region, transcript = LiveRegion(puppet), Transcript(seed=1)
    for second in range(60):
        lines = transcript.grow() if second % 4 else []
        region.draw(lines, draw_agent(second, verb=VERBS[second // 4 % 4]))
        watch.look()
    rest = transcript.check(watch.witness.texts(puppet.pane))
    spinners = [line for line in rest if "esc to interrupt" in line]
    assert len(spinners) <= 2 * len(VERBS), "not one for each of the 15 changes"


def test_what_is_typed_into_a_box_counts_as_one_line(tmux: PrivateTmux) -> None:
    puppet, watch = Puppet(tmux), Watch(tmux)
    puppet.print("$ agent")
    region, transcript = LiveRegion(puppet), Transcript(seed=2)
    text = "please fix the failing test"
    for second in range(len(text)):
        region.draw(transcript.grow(), draw_agent(1, typed=text[: second + 1]))
        watch.look()
    rest = transcript.check(watch.witness.texts(puppet.pane))
    assert len([line for line in rest if "> p" in line]) == 1
    lines = [line for update in watch.witness.updates for line in update.lines]
    assert [line.text for line in lines if text in line.text], "yet observers see all of it"


def test_an_answer_that_streams_counts_each_line_once(tmux: PrivateTmux) -> None:
    puppet, watch = Puppet(tmux), Watch(tmux)
    region, rows = LiveRegion(puppet), [""]
    answer = [f"Line {n} of what the model says about errors and their causes" for n in "abcdef"]
    flowing = " ".join(answer)
    for end in range(10, len(flowing), 10):
        shown = flowing[:end]
        rows = [shown[i : i + 70] for i in range(0, len(shown), 70)]
        region.draw([], [*rows, *draw_agent(end // 10)])
        watch.look()
    seen = watch.witness.texts(puppet.pane)
    for row in rows:
        assert len([line for line in seen if line.startswith(row[:8].strip())]) == 1


def test_nested_bars_with_log_lines_between(tmux: PrivateTmux, share: float) -> None:
    puppet, watch = Puppet(tmux), Watch(tmux)
    transcript, looks = Transcript(seed=3), Random(5)  # noqa: S311  # the same each time
    puppet.print("$ train")
    for epoch in range(8):
        for batch in range(0, 20, 4):
            lines = transcript.grow()
            if lines:
                puppet.show(ERASED_BARS + "".join(f"\r{line}\r\n" for line in lines))
            puppet.show(draw_bars(epoch, batch))
            if looks.random() < share:
                watch.look()
    puppet.show("\r\n\r\n")
    watch.look()
    rest = transcript.check(watch.witness.texts(puppet.pane))
    assert rest[0] == "$ train"
    assert sorted(line[:5] for line in rest[1:]) in (["Batch"], ["Batch", "Epoch"])


def test_a_table_below_a_log(tmux: PrivateTmux, share: float) -> None:
    puppet, watch = Puppet(tmux), Watch(tmux)
    region = LiveRegion(puppet, below=False)
    transcript, looks = Transcript(seed=4), Random(5)  # noqa: S311  # the same each time
    for second in range(40):
        region.draw(transcript.grow(), draw_table(second))
        if looks.random() < share:
            watch.look()
    watch.look()
    rest = transcript.check(watch.witness.texts(puppet.pane))
    assert len(rest) <= 8, "each row of the table once"
    assert watch.witness.gaps(puppet.pane) == 0


def test_text_below_the_cursor_is_not_lost_with_the_place(tmux: PrivateTmux) -> None:
    puppet, watch = Puppet(tmux, history=200), Watch(tmux)
    puppet.print("$ agent")
    puppet.show("> \r\nfooter one\x1b[A")
    watch.look()
    flood = "".join(f"{n}\r\n" for n in range(900))
    puppet.show(f"\r\x1b[J{flood}> \r\nfooter two\x1b[A")
    watch.look()
    seen = watch.witness.texts(puppet.pane)
    assert [line for line in seen if "footer" in line] == ["footer one", "footer two"]
    assert watch.witness.gaps(puppet.pane) == 1
