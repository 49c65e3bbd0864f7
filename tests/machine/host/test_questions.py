"""Filesystems that are asked, and never answer."""

from __future__ import annotations

import threading

from panewatch.machine.host.questions import Answer, Place, Questions, Space
from polling import wait_until

OLD, NEW, OTHER = Place(b"0:50", b"/data"), Place(b"0:51", b"/data"), Place(b"8:1", b"/")
ROOM = Space(100.0, 40.0)


def test_36_what_is_mounted_in_place_of_a_dead_one_is_asked() -> None:
    """A dead mount is often taken away before it has answered; the question stays."""
    answers, asked = threading.Event(), 0

    def ask(path: bytes) -> Answer:
        nonlocal asked
        asked += path == b"/data"
        if path == b"/data" and asked == 1:
            answers.wait()
        return ROOM

    questions = Questions(ask)
    try:
        assert questions.put([OTHER, OLD], 0.1) == {OTHER: ROOM}
        assert questions.put([OTHER, OLD], 0.1) == {OTHER: ROOM}, "it is not asked again"
        assert asked == 1
        assert questions.put([OTHER, NEW], 10.0) == {OTHER: ROOM, NEW: ROOM}
    finally:
        answers.set()
    wait_until(lambda: questions.put([OLD], 0.1) == {OLD: ROOM}, what="it answers again")
    questions.end()
