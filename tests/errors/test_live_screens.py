"""Programs that draw: editors, pagers, agents, bars. What they show happened before, or not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from errors.live_panes import Live, live_panes
from panes.live_region import ERASED_BARS, LiveRegion, draw_agent, draw_bars, draw_table
from polling import wait_until

MISSING = "ModuleNotFoundError: No module named 'moola'"
RULE = "python-module-missing"
OTHER = "RuntimeError: CUDA error: out of memory"
PROSE = (
    f"# How to mend `{MISSING}`\n\n{OTHER}\n{MISSING}\n"
    "error: failed to push some refs to 'origin'\nmake: *** [Makefile:10: all] Error 2\n"
)


@pytest.fixture(scope="module")
def live() -> Iterator[Live]:
    with live_panes() as running:
        (running.folder / "notes.md").write_text(PROSE)
        yield running


@pytest.mark.parametrize(
    ("program", "keys"),
    [
        ("less notes.md", ["/Error", "Enter", "q"]),
        ("vim -u NONE -i NONE notes.md", ["G", "yy", "p", ":q!", "Enter"]),
    ],
    ids=["less", "vim"],
)
def test_a_viewer_raises_nothing_and_hides_nothing(
    live: Live, program: str, keys: list[str]
) -> None:
    shell = live.shell()
    shell.command("python3 -c 'import moola'")
    assert shell.open_rules() == {RULE: 1}
    lines = shell.value("pane_error_lines_total")
    shell.type(program)
    wait_until(lambda: "make: ***" in shell.screen(), what=program)
    shell.settle()
    for key in keys:
        live.tmux.run("send-keys", "-t", shell.pane, key)
        shell.settle()
    shell.wait_for_prompt()
    assert MISSING in shell.screen(), "the primary screen is back"
    shell.settle()
    assert shell.open_rules() == {RULE: 1}
    assert shell.value("pane_error_lines_total") == lines
    assert shell.opened() == 1


def test_an_error_right_before_the_alternate_screen_opens_is_found(live: Live) -> None:
    puppet, place = live.puppet()
    # In one write: no look can come between.
    puppet.show(f"$ ./run\r\n{MISSING}\r\n\x1b[?1049h\x1b[H\x1b[2J{OTHER}\r\n~\r\n~")
    wait_until(place.open_rules)
    for number in range(3):
        puppet.show(f"\x1b[H{OTHER} {number}")
        place.settle()
    puppet.show("\x1b[?1049l")
    place.settle()
    puppet.print("$ echo done", "done")
    place.settle()
    assert place.open_rules() == {RULE: 1}
    assert place.value("pane_error_lines_total") == 1


@pytest.mark.parametrize("style", ["agent", "table", "bars"])
def test_a_program_that_redraws_counts_an_old_error_once(live: Live, style: str) -> None:
    puppet, place = live.puppet()
    region = LiveRegion(puppet)
    puppet.print("> mend the import", MISSING)
    wait_until(place.open_rules)
    for second in range(12):
        if style == "agent":
            # An agent erases what it showed before it draws it again.
            region.draw([f"line {second}"] if second == 6 else [], draw_agent(second))
        elif style == "table":
            region.draw([], draw_table(second))
        else:
            puppet.show(draw_bars(second // 4, second))
        place.settle()
    if style == "bars":
        puppet.show(ERASED_BARS)
    place.settle()
    assert place.open_rules() == {RULE: 1}
    assert place.value("pane_error_lines_total") == 1


@pytest.mark.parametrize(
    ("clear", "lines"),
    # tmux keeps a screen that is erased in one go in its history: it was printed again.
    [("\x1b[2J\x1b[3J\x1b[H", 1), ("\x1b[H\x1b[J", 8)],
    ids=["with-history", "screen-alone"],
)
def test_a_program_that_draws_all_again_opens_no_second_incident(
    live: Live, clear: str, lines: int
) -> None:
    puppet, place = live.puppet()
    box = "\r\n╭──╮\r\n│> │\r\n╰──╯\x1b[A\x1b[2D"
    for second in range(8):
        spinner = f"{'✶✽✢✻'[second % 4]} Thinking… ({second}s)"
        call = f"● Bash(python train.py)\r\n  ⎿ {MISSING}\r\n\r\n"
        puppet.show(clear + call + spinner + box)
        place.settle()
    assert place.open_rules() == {RULE: 1}
    assert place.value("pane_error_lines_total") == lines
    assert place.opened() == 1
