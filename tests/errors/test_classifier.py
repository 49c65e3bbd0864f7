"""What the lines of one pane mean, however they are cut into blocks."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from errors.panes import Told, make_rule, read, summarize
from panewatch.errors.rulebook import Rulebook

TRACEBACK = """\
Traceback (most recent call last):
  File "/src/train.py", line 12, in <module>
    import moola
  File "/src/moola/__init__.py", line 3, in <module>
    from moola import cuda
ModuleNotFoundError: No module named 'moola.cuda'"""

CHAINED = f"""\
{TRACEBACK}

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/src/train.py", line 20, in <module>
    main()
RuntimeError: cannot start"""

STORY = f"""\
user@host:~$ python train.py
epoch 1 loss 0.3
{CHAINED}
user@host:~$ cat error.log
Killed
{TRACEBACK}
user@host:~$ make || true
make: *** [Makefile:3: all] Error 1
user@host:~$ make
main.c:3:5: error: expected ';' before '}}' token
make: *** [Makefile:3: all] Error 1
user@host:~$ pytest
FAILED tests/test_a.py::test_b - AssertionError
=================== 1 failed, 2 passed in 0.10s ===================
user@host:~$ pytest
======================== 3 passed in 0.10s ========================
user@host:~$ git diff
diff --git a/a b/a
--- a/a
+++ b/a
@@ -1 +1 @@
-Killed
+Segmentation fault
user@host:~$ ./run
usage: run [-h]

options:
  --fatal   Error: out of memory
something went wrong: fatal error in a place that nobody knows
Segmentation fault (core dumped)
0 errors"""


def test_a_traceback_is_named_by_its_last_line(rulebook: Rulebook) -> None:
    told = read(rulebook, f"{TRACEBACK}\nfine again")
    assert [(event.line, event.kind, event.opens) for event in told.events] == [
        (0, "error", True),
        (5, "error", False),
    ]
    assert {event.rule.id for event in told.events if event.rule} == {"python-module-missing"}
    assert told.open[0].values == ("moola.cuda",)


@pytest.mark.parametrize("cut", range(1, len(CHAINED.split("\n"))))
def test_a_traceback_may_come_in_two_parts(cut: int, rulebook: Rulebook) -> None:
    lines = CHAINED.split("\n")
    told = Told(rulebook)
    told.feed("\n".join(lines[:cut]))
    told.flush(1.0, force=False)
    told.feed("\n".join(lines[cut:]), now=1.0)
    told.flush()
    assert summarize(told.events) == summarize(read(rulebook, CHAINED).events)


@given(st.sets(st.integers(1, len(STORY.split("\n")) - 1)))
@settings(max_examples=150, deadline=None)
def test_any_partition_tells_the_same(rulebook: Rulebook, cuts: set[int]) -> None:
    lines = STORY.split("\n")
    told = Told(rulebook)
    for begin, end in pairwise([0, *sorted(cuts), len(lines)]):
        told.feed("\n".join(lines[begin:end]))
    told.flush()
    whole = read(rulebook, STORY)
    assert summarize(told.events) == summarize(whole.events)
    assert told.open_ids() == whole.open_ids()


def test_the_story(rulebook: Rulebook) -> None:
    told = read(rulebook, STORY)
    assert told.open_ids() == [
        "python-module-missing", "gcc-compile-error", "process-segfault",
    ] or set(told.open_ids()) >= {"python-module-missing", "process-segfault"}  # fmt: skip
    assert "pytest-test-failed" not in told.open_ids()  # the second run passed
    assert sum(event.opens for event in told.events) == 4
    assert [event.line for event in told.events if event.kind == "unclassified"]


def test_chained_exceptions_are_one_incident(rulebook: Rulebook) -> None:
    told = read(rulebook, CHAINED)
    assert told.open_ids() == ["python-module-missing"]
    assert told.open[0].count == 2


def test_an_exception_much_later_is_another_incident(rulebook: Rulebook) -> None:
    other = TRACEBACK.replace("moola.cuda", "numpy")
    told = read(rulebook, TRACEBACK + "\nfine" * 20 + "\n" + other)
    assert [incident.values for incident in told.open] == [("moola.cuda",), ("numpy",)]


def test_an_exception_soon_after_its_incident_ended_is_news(rulebook: Rulebook) -> None:
    told = Told(rulebook)
    told.feed(f"{TRACEBACK}\nfine")
    (first,) = told.open
    assert told.classifier.incidents.settle(1.0) == [first]
    told.feed(f"{TRACEBACK}\nfine", now=2000.0)
    (second,) = told.open
    assert second is not first
    assert sum(event.opens for event in told.events) == 2


def test_a_block_without_an_end_is_told_after_five_seconds(rulebook: Rulebook) -> None:
    told = Told(rulebook)
    told.feed("\n".join(TRACEBACK.split("\n")[:3]), now=10.0)
    assert told.flush(15.0, force=False) == []
    (event,) = told.flush(15.1, force=False)
    assert (event.line, event.opens) == (0, True)
    assert told.flush(99.0) == []


def test_a_block_is_not_longer_than_some_hundred_lines(rulebook: Rulebook) -> None:
    frames = '  File "/a.py", line 1, in f\n' * 450
    told = read(rulebook, f"Traceback (most recent call last):\n{frames}KeyError: 'a'")
    opened = [event for event in told.events if event.opens]
    assert opened[0].line == 0
    assert told.events[-1].line == 451


def test_what_begins_before_a_gap_does_not_end_after_it(rulebook: Rulebook) -> None:
    told = Told(rulebook)
    told.feed("user@host:~$ cat a\n" + "\n".join(TRACEBACK.split("\n")[:2]))
    assert told.classifier.lose(0.0) == []  # cat showed it
    assert told.classifier.command is None
    assert told.flush() == []
    told.feed("Killed")
    assert told.open_ids() == ["process-killed"]


def test_what_begins_before_a_gap_is_told_though_its_end_is_lost(rulebook: Rulebook) -> None:
    told = Told(rulebook)
    told.feed("\n".join(TRACEBACK.split("\n")[:2]))
    (event,) = told.classifier.lose(0.0)
    assert (event.opens, event.line) == (True, 0)
    assert told.open_ids() == ["python-traceback"]


def test_a_gap_ends_the_story_of_an_exception(rulebook: Rulebook) -> None:
    told = Told(rulebook)
    told.feed(f"{TRACEBACK}\nfine")
    told.classifier.lose(0.0)
    told.feed(TRACEBACK.replace("moola.cuda", "numpy"))
    assert [incident.values for incident in told.open] == [("moola.cuda",), ("numpy",)]


def test_quoted_text_is_told_and_does_not_count(rulebook: Rulebook) -> None:
    told = read(rulebook, "Killed\nsomething fatal: nobody knows", quoted=True)
    (event,) = told.events
    assert (event.kind, event.reason) == ("noise", "quoted-output")
    assert told.open == []


def test_an_agent_speaks_where_it_quotes(rulebook: Rulebook) -> None:
    lines = [rule.examples[0] for rule in rulebook.rules if rule.kind == "error"
             and rule.category == "agent" and "\n" not in rule.examples[0]]  # fmt: skip
    assert lines
    for line in lines:
        assert len(read(rulebook, line, quoted=True, agent=True).open) == 1, line
        assert read(rulebook, line, quoted=True).open == [], line


def test_captures_tell_incidents_apart_and_numbers_do_not() -> None:
    book = Rulebook([make_rule("host", "^cannot reach (?P<host>[a-z]+)(?: via (?P<way>\\d+))?")])
    told = read(book, "cannot reach a\ncannot reach b\ncannot reach a\ncannot reach a via 123456\n"
                      "cannot reach a via 99999")  # fmt: skip
    assert [(i.values, i.count) for i in told.open] == [
        (("a", ""), 2), (("b", ""), 1), (("a", "#"), 2),
    ]  # fmt: skip


def test_consequences_join_their_cause() -> None:
    book = Rulebook(
        [
            make_rule("cause", "^root trouble", category="build", severity="P2"),
            make_rule("other", "^other trouble", category="network"),
            make_rule("by-id", "^then that", joins=frozenset({"cause"}), severity="P1"),
            make_rule("by-category", "^gave up", joins=frozenset({"build"}), severity="P0"),
            make_rule("by-any", "^all failed", joins=frozenset({"any"})),
        ]
    )
    told = read(book, "root trouble\nother trouble\nthen that\ngave up\nall failed")
    assert [(i.rule.id, i.count, i.severity) for i in told.open] == [
        ("cause", 4, "P0"), ("other", 1, "P1"),
    ]  # fmt: skip
    alone = read(book, "gave up\nall failed")
    assert [(i.rule.id, i.count) for i in alone.open] == [("by-category", 2)]


def test_a_consequence_is_one_of_the_same_command_and_near() -> None:
    rules = [make_rule("cause", "^root trouble"),
             make_rule("late", "^all failed", joins=frozenset({"any"}))]  # fmt: skip
    book = Rulebook(rules)
    assert read(book, "root trouble\n$ make\nall failed").open_ids() == ["cause", "late"]
    assert read(book, "root trouble\n" + "fine\n" * 499 + "all failed").open_ids() == ["cause"]
    far = read(book, "root trouble\n" + "fine\n" * 500 + "all failed")
    assert far.open_ids() == ["cause", "late"]


def test_a_success_ends_what_it_is_about() -> None:
    book = Rulebook(
        [
            make_rule("red", "^tests are red", category="test"),
            make_rule("full", "^the disk is full", category="filesystem"),
            make_rule("green", "^tests are green", kind="success", resolves=frozenset({"test"})),
            make_rule("fine", "^all is fine", kind="success", resolves=frozenset({"any"})),
        ]
    )
    told = read(book, "tests are red\nthe disk is full\ntests are green")
    assert told.open_ids() == ["full"]
    assert [[i.rule.id for i in event.ended] for event in told.events] == [[], [], ["red"]]
    told.feed("all is fine")
    assert told.open == []


def test_what_is_tried_again_needs_nobody_until_it_fails_again() -> None:
    book = Rulebook(
        [
            make_rule("net", "^cannot connect", severity="P0"),
            make_rule("again", "^retrying", kind="friction", friction="retry"),
        ]
    )
    told = read(book, "cannot connect\nretrying")
    assert [i.severity for i in told.open] == ["P2"]
    told.feed("cannot connect")
    assert [i.severity for i in told.open] == ["P0"]
    late = read(book, "cannot connect\n" + "fine\n" * 6 + "retrying")
    assert [i.severity for i in late.open] == ["P0"]


def test_an_expected_failure_is_friction(rulebook: Rulebook) -> None:
    told = read(rulebook, "$ make || true\nmake: *** [Makefile:3: all] Error 1")
    assert told.open == []
    assert [event.kind for event in told.events] == ["command", "friction"]


def test_losers_are_named_and_noise_wins() -> None:
    book = Rulebook(
        [
            make_rule("general", "frobnicate", severity="P0"),
            make_rule("special", "^frobnicate", supersedes=frozenset({"general"})),
            make_rule("quiet", "^frobnicate calmly", kind="noise"),
        ]
    )
    special, quiet = read(book, "frobnicate now\nfrobnicate calmly").events
    assert special.rule is not None
    assert (special.rule.id, [loser.id for loser in special.losers]) == ("special", ["general"])
    assert quiet.kind == "noise"
    assert {loser.id for loser in quiet.losers} == {"general", "special"}


def test_a_block_may_be_noise() -> None:
    book = Rulebook(
        [
            make_rule("caught", "^caught and handled:", kind="noise", until="^\\S"),
            make_rule("error", "^frobnication error"),
        ]
    )
    told = read(book, "caught and handled:\n  at x\nfrobnication error\nfrobnication error")
    assert [event.kind for event in told.events] == ["noise", "noise", "error"]


def test_rules_may_change_between_two_lines(rulebook: Rulebook) -> None:
    told = Told(rulebook)
    told.feed("\n".join(TRACEBACK.split("\n")[:3]))
    told.classifier.rulebook = Rulebook([make_rule("own", "^frobnicate")])
    told.feed("ModuleNotFoundError: No module named 'a'\nfrobnicate")
    told.flush()
    assert told.open_ids() == ["python-exception", "own"] or "own" in told.open_ids()
