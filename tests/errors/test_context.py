"""Text that is shown, explained or listed is told from what happened."""

from __future__ import annotations

import pytest

from errors.panes import make_rule, read
from panewatch.errors.context import REASONS, find_reason
from panewatch.errors.rulebook import Rulebook

BOOK = Rulebook([make_rule("oops", "frobnicator error"), make_rule("begin", "^ *exploded now")])
"""One rule that matches anywhere in a line, and one that matches at its beginning."""

DIFF = "diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -1,2 +1,2 @@\n same\n"
USAGE = "usage: run [-h] [--fast]\n\noptions:\n  -h, --help  show this\n"


@pytest.mark.parametrize(
    ("above", "line", "reason"),
    [
        (DIFF, "+frobnicator error", "diff"),
        (DIFF + "-gone\n", "-frobnicator error", "diff"),
        ("Index: a.c\n", "+frobnicator error", "diff"),
        ("", "+frobnicator error", None),
        (DIFF + "the end of the diff\n", "+frobnicator error", None),
        (USAGE, "  -f, --fast  frobnicator error", "help-text"),
        ("Usage: run\n\nCommands:\n", "  go    frobnicator error", "help-text"),
        (USAGE + "it ran\n", "  frobnicator error", None),
        ("", "  frobnicator error", None),
        ("11 | first\n", "12 | frobnicator error", "listing"),
        ("    11  first\n", "    12  frobnicator error", "listing"),
        ("11: first\n", "12: frobnicator error", "listing"),
        ("11 | first\n", "40 | frobnicator error", None),
        ("", "12 | frobnicator error", None),
        ("", "    raise ValueError(frobnicator error", "source-code"),
        ("", "except frobnicator error", "source-code"),
        ("", "    log.error(f'frobnicator error')", "source-code"),
        ("", "# the frobnicator error of old", "source-code"),
        ("", "print(a, frobnicator error);", "source-code"),
        ("", "it said 'frobnicator error'", "quotation"),
        ("", "it said \u201cfrobnicator error\u201d", "quotation"),
        ("", "cannot use '/a'frobnicator error", None),
        ("", "in /a: frobnicator error", None),
        ("", "frobnicator error", None),
        ("", "exploded now);", None),
        (DIFF, "+exploded now", None),
    ],
)
def test_reasons(above: str, line: str, reason: str | None) -> None:
    told = read(BOOK, above + line)
    events = [event for event in told.events if event.line == above.count("\n")]
    if line == "+exploded now":
        assert events == []
        return
    (event,) = events
    assert event.reason == reason
    assert event.kind == ("error" if reason is None else "noise")
    assert len(told.open) == (reason is None)


@pytest.mark.parametrize("blocks", [1, 3, 50])
def test_the_look_back_reaches_into_earlier_blocks(blocks: int) -> None:
    above = [*DIFF.rstrip("\n").split("\n"), *[" same"] * 40]
    told = read(BOOK, "\n".join(above[:blocks]))
    told.feed("\n".join(above[blocks:]) or " same")
    told.feed("+frobnicator error")
    assert [event.reason for event in told.events] == ["diff"]


def test_the_look_back_has_an_end() -> None:
    asked: list[int] = []

    def above(distance: int) -> str:
        asked.append(distance)
        return " same"

    assert find_reason("+frobnicator error", 1, above) is None
    assert 0 < len(asked) < 100


def test_every_reason_is_explained() -> None:
    assert all(REASONS.values())
    assert {"quoted-output", "help-text", "diff", "listing", "source-code", "quotation"} == set(
        REASONS
    )
