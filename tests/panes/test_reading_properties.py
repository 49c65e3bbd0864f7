"""Whatever a program and its user do to a pane: each line once and in order, or a gap.

Examples run on a real tmux. A change of the alignment that drops, repeats or reorders
one line fails here.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from panes.private_tmux import PrivateTmux, Puppet
from panes.watching import Watch
from panewatch.panes.pace import Pace

HISTORY = 200

PRINTING = st.one_of(
    st.tuples(st.just("print"), st.integers(1, 45), st.sampled_from(("short", "long", "wide"))),
    st.tuples(st.just("blank"), st.integers(1, 4)),
    st.tuples(st.just("partial")),
    st.tuples(st.just("bar"), st.integers(1, 5)),
    st.tuples(st.just("clear")),
    st.tuples(st.just("look")),
    st.tuples(st.just("reach"), st.sampled_from((0, 3, 20, 90, 400))),
)
RESHAPING = st.one_of(
    PRINTING,
    st.tuples(st.just("resize"), st.sampled_from((40, 80, 132)), st.sampled_from((6, 24, 60))),
)
DESTROYING = st.one_of(
    RESHAPING,
    st.tuples(st.just("flood"), st.integers(200, 900)),
    st.tuples(st.just("wipe")),
    st.tuples(st.just("clear-history")),
    st.tuples(st.just("respawn")),
)


@pytest.fixture(scope="module")
def server() -> Iterator[PrivateTmux]:
    with pytest.MonkeyPatch.context() as patch:
        # How far a read reaches back depends on the time of day otherwise.
        patch.setattr(Pace, "count_expected", lambda _self, _now: Story.reach)
        yield from serve()


def serve() -> Iterator[PrivateTmux]:
    folder = Path(tempfile.mkdtemp(prefix="pw"))
    tmux = PrivateTmux(folder)
    tmux.start("sleep 1000", history=HISTORY)
    yield tmux
    tmux.kill()
    shutil.rmtree(folder, ignore_errors=True)


class Story:
    """One pane, what was printed in it, and what came out."""

    reach = 0

    def __init__(self, tmux: PrivateTmux) -> None:
        self.tmux = tmux
        self.puppet = Puppet.beside(tmux)
        self.watch = Watch(tmux, began=4e9)
        self.watch.look()
        Story.reach = 0
        self.printed = 0
        self.open = False
        self.begin()

    def begin(self) -> None:
        """Give the pane a line: on an empty one, what is wiped unread leaves no trace."""
        self.puppet.print(self._next())
        self.watch.look()

    def _next(self, kind: str = "short") -> str:
        number, self.printed = self.printed, self.printed + 1
        filler = {"short": "", "long": "x" * (number * 37 % 300), "wide": "漢字é" * (number % 40)}
        return f"{number}:{filler[kind]}."

    def do(self, action: str, *values: object) -> None:
        """Carry out one action by the method of its name."""
        getattr(self, "do_" + action.replace("-", "_"))(*values)

    def do_print(self, count: int, kind: str) -> None:
        self._print([self._next(kind) for _ in range(count)])

    def do_flood(self, count: int) -> None:
        self._print([self._next() for _ in range(count)])

    def do_blank(self, count: int) -> None:
        self._print([""] * count)

    def do_partial(self) -> None:
        self._finish()
        self.puppet.show(self._next())
        self.open = True

    def do_bar(self, count: int) -> None:
        self._finish()
        line = self._next()
        for step in range(count):
            self.puppet.show(f"\r{line}{'=' * step}")
            self.watch.look()
        self.puppet.show("\r\n")

    def do_clear(self) -> None:
        self._finish()
        self.puppet.show("\x1b[H\x1b[2J")

    def do_wipe(self) -> None:
        self._finish()
        self.puppet.show("\x1b[H\x1b[2J\x1b[3J")

    def do_clear_history(self) -> None:
        self.tmux.run("clear-history", "-t", self.puppet.pane)

    def do_resize(self, width: int, height: int) -> None:
        self.tmux.run("resize-window", "-t", self.puppet.pane, "-x", str(width), "-y", str(height))

    def do_respawn(self) -> None:
        self.open = False
        self.puppet = Puppet(self.tmux, self.puppet.pane)
        self.begin()

    def do_look(self) -> None:
        self.watch.look()

    def do_reach(self, rows: int) -> None:
        """From now on reads reach back further than they need to."""
        Story.reach = rows

    def _print(self, lines: list[str]) -> None:
        self._finish()
        self.puppet.print(*lines)

    def _finish(self) -> None:
        """End an open line, so that what is printed next is a line of its own."""
        if self.open:
            self.puppet.show("\r\n")
            self.open = False

    def end(self) -> None:
        self._finish()
        self.watch.look()
        self.tmux.run("kill-window", "-t", self.puppet.pane)

    def check(self, *, complete: bool) -> None:
        """Compare: ``complete`` asks for every line, otherwise each loss needs a gap."""
        expected = 0
        excused = False
        for update in self.watch.witness.updates:
            if update.key.pane_id != self.puppet.pane:
                continue
            # A gap excuses a loss in its own look, and one before the next line that is seen.
            excused |= update.gap
            for line in update.lines:
                start = line.text.partition(":")[0]
                if not line.text or line.continued or (update.gap and not start.isdigit()):
                    continue  # the rest of a wrapped line whose start is lost is no line
                number = int(start)
                assert number >= expected, f"line {number} is repeated or out of order"
                assert number == expected or excused, f"{expected} to {number - 1} lost silently"
                expected = number + 1
            if any(line.text for line in update.lines):
                excused = update.gap
        assert expected == self.printed or excused, f"{expected} and on lost silently"
        if complete:
            assert self.watch.witness.gaps(self.puppet.pane) == 0


def run(server: PrivateTmux, actions: list[tuple[object, ...]], *, complete: bool) -> None:
    story = Story(server)
    for action in actions:
        story.do(*action)  # type: ignore[arg-type]
        if complete and action[0] != "look":
            # Without a look the next print may push unread text out of the history.
            story.watch.look()
    story.end()
    story.check(complete=complete)


GIVEN = settings(
    max_examples=20, deadline=None, derandomize=True,
    # Each step of shrinking costs a story of real tmux; the failing one is short enough.
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip


@GIVEN
@given(st.lists(PRINTING, min_size=3, max_size=14))
def test_printing_is_read_whole(server: PrivateTmux, actions: list[tuple[object, ...]]) -> None:
    run(server, actions, complete=True)


@GIVEN
@given(st.lists(RESHAPING, min_size=3, max_size=14))
def test_reshaping_is_read_whole(server: PrivateTmux, actions: list[tuple[object, ...]]) -> None:
    run(server, actions, complete=True)


@GIVEN
@given(st.lists(DESTROYING, min_size=3, max_size=14))
def test_every_loss_is_a_gap(server: PrivateTmux, actions: list[tuple[object, ...]]) -> None:
    run(server, actions, complete=False)
