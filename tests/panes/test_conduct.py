"""Since when a pane waits, where it waited before anybody looked."""

from __future__ import annotations

import pytest

from panewatch.config import PanesSettings
from panewatch.panes.conduct import Conduct
from panewatch.panes.model import Frame, Screen
from panewatch.panes.state import Program
from panewatch.panes.waiting import Waits

PROGRAM = Program("sudo", "", "program")
ASKS = Screen("waiting_input", "password", "prompts")
AHEAD = 1e9
"""How much Unix time is ahead of the monotonic one."""


class Reader:
    """Tells of every screen that shows something that a password is asked for."""

    def read(self, frame: Frame, _command: str, _agent: str, *, plain: bool = False) -> Screen:  # noqa: ARG002
        return ASKS if frame.lines[-1] else Screen()


@pytest.mark.parametrize(
    ("printed", "asked", "since"),
    [
        (400.0, 1000.0, 400.0),
        (1000.0, 1000.0, 1000.0),
        (1003.0, 1003.0, 1003.0),
        # Redrawn while it stood there: nobody knows for how long before.
        (1001.5, 1000.0, 1000.0),
        # What was printed long ago is no prompt that came under our eyes.
        (400.0, 1030.0, 1030.0),
    ],
)
def test_a_wait_counts_from_its_prompt(printed: float, asked: float, since: float) -> None:
    """panewatch looks from second 1000 on, and the screen asks from ``asked`` on."""
    conduct = Conduct(PanesSettings(), Reader(), Waits(), 1000.0, busy_since=printed)
    for tick in range(80):
        now = 1000.0 + tick / 2
        frame = Frame(("Password:" if now >= asked else "",), 0, alternate=False)
        conduct.take_look(frame, (), (), PROGRAM, now)
        conduct.advance(
            PROGRAM, dead=False, last_output=min(now, printed), elapsed=0.5, now=now,
            wall=now + AHEAD,
        )  # fmt: skip
    assert conduct.wait is not None
    assert conduct.wait.since == since
    assert conduct.wait.since_time == pytest.approx(since + AHEAD)
