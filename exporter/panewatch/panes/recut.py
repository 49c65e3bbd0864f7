"""Text that is remembered of a pane, when the length at which lines are cut changes.

What was cut at another length is a different text to whoever compares it. So a shorter
length cuts what is remembered too, and a longer one first reads once more at the old
length, which finds the place, and then completes what is remembered from the same look.
"""

from __future__ import annotations

from dataclasses import replace

from panewatch.panes.capture import Capture, Text


def cut_capture(capture: Capture, limit: int) -> Capture:
    """Return a capture as if its lines had been cut at ``limit`` characters."""
    text, alternate = capture.text, capture.alternate
    return replace(
        capture,
        text=text and Text(_cut(text.lines, limit), text.starts, text.stop),
        alternate=alternate and _cut(alternate, limit),
    )


def shorten(text: Text, limit: int) -> None:
    """Cut the lines of a text at ``limit`` characters, in place."""
    text.lines[:] = _cut(text.lines, limit)


def lengthen(text: Text, whole: Text, limit: int) -> bool:
    """Complete the lines of a text that were cut at ``limit``, in place.

    ``whole`` ends with the same rows, cut at a greater length.

    Returns:
        Whether that could be done; if not, nothing was changed.
    """
    lines = list(text.lines)
    for place in range(1, 1 + len(lines)):
        line = lines[-place]
        if len(line) > limit:
            longer = whole.lines[-place] if place <= len(whole.lines) else ""
            if not longer.startswith(line):
                return False
            lines[-place] = longer
    text.lines[:] = lines
    return True


def is_cut(text: Text, limit: int) -> bool:
    """Tell whether a line of the text was cut at ``limit`` characters."""
    return any(len(line) > limit for line in text.lines)


def _cut(lines: list[str], limit: int) -> list[str]:
    # One character more than the limit tells that a line was longer.
    return [line[: limit + 1] for line in lines]
