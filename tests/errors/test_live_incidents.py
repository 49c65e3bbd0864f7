"""An error in a real pane: one incident, however it is shown, until it ends."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from errors.live_panes import Live, Place, live_panes
from panes.private_tmux import Puppet
from polling import wait_until

MISSING = "ModuleNotFoundError: No module named 'moola'"
RULE = "python-module-missing"
MISSING_FILE = "FileNotFoundError: [Errno 2] No such file or directory: "
FILE_RULE = "python-file-missing"
ROWS = 24


@pytest.fixture(scope="module")
def live() -> Iterator[Live]:
    with live_panes() as running:
        yield running


def test_an_error_opens_one_incident_that_joins_its_suggestion(live: Live) -> None:
    puppet, place = live.puppet()
    matches = sum(live.values("rule_matches_total", rule=RULE))
    before = sum(live.values("incidents_total"))
    assert place.opened() == 0
    assert place.open_rules() == {}
    puppet.print("$ python train.py", MISSING)
    wait_until(place.open_rules)
    ((labels, opened),) = live.samples("incident_open", **place.labels)
    # The rules are another collector's, which has its own pace.
    wait_until(lambda: sum(live.values("rule_matches_total", rule=RULE)) == matches + 1)
    ((info, one),) = live.samples("rule_info", rule=labels["rule"])
    assert (labels["rule"], opened, one) == (RULE, 1, 1)
    assert info["severity"] == labels["severity"]
    assert info["category"] == labels["category"]
    assert info["suggestion"]
    kind = {"severity": labels["severity"], "category": labels["category"]}
    assert place.value("pane_incidents_total", severity=kind["severity"]) == place.opened() == 1
    assert sum(live.values("incidents_total")) == before + 1
    assert place.value("pane_incidents_open", severity=labels["severity"]) == 1
    assert place.value("pane_error_lines_total") == 1
    ((_, since),) = live.samples("incident_opened_timestamp_seconds", **place.labels)
    ((_, now),) = live.samples("tmux_server_up")
    assert now == 1
    assert since > 1.6e9


def test_the_same_screen_again_counts_nothing(live: Live) -> None:
    puppet, place = live.puppet()
    long = "/".join(["src"] * 60)
    puppet.print("$ python train.py", MISSING, MISSING_FILE + f"'{long}'")
    wait_until(lambda: len(place.open_rules()) == 2)
    captures = place.value("pane_captures_total")
    # A cursor that moves makes the pane new to be read; its text stays the same.
    for step in itertools.count():
        puppet.show(f"\x1b[{step % 2 + 1}G")
        if place.value("pane_captures_total") >= captures + 100:
            break
    for width in (200, 80, 37, 200):
        live.tmux.run("resize-window", "-t", place.pane, "-x", str(width), "-y", "24")
        place.settle()
    puppet.show("\x1b[H\x1b[2J\x1b[3J")
    place.settle()
    puppet.print("$ clear")
    place.settle()
    assert place.opened() == 2
    assert place.value("pane_error_lines_total") == 2
    assert len(place.open_rules()) == 2


def test_an_error_printed_twice_is_two_lines_and_one_incident(live: Live) -> None:
    puppet, place = live.puppet()
    puppet.print(MISSING)
    wait_until(place.open_rules)
    puppet.print(*(f"line {number}" for number in range(3 * ROWS)))
    puppet.print(MISSING)
    wait_until(lambda: place.value("pane_error_lines_total") == 2)
    puppet.print(MISSING, MISSING)
    wait_until(lambda: place.value("pane_error_lines_total") == 4)
    assert place.opened() == 1
    assert place.open_rules() == {RULE: 1}
    # Another module is another failure.
    puppet.print(MISSING.replace("moola", "peas"))
    wait_until(lambda: place.open_rules() == {RULE: 2})
    assert place.opened() == 2


def test_a_success_ends_it_and_tells_how_long_it_took(live: Live) -> None:
    puppet, place = live.puppet()
    puppet.print("$ pytest", "FAILED tests/test_app.py::test_one - assert 1 == 2")
    puppet.print("=========== 1 failed, 3 passed in 0.31s ===========")
    wait_until(place.open_rules)
    ((labels, _),) = live.samples("incident_open", **place.labels)
    kind = {"severity": labels["severity"], "category": labels["category"]}
    ended = sum(live.values("incidents_resolved_total", outcome="success"))
    counted = sum(live.values("incident_recovery_seconds_count", **kind))
    puppet.print("$ pytest", "=========== 4 passed in 0.29s ===========")
    wait_until(lambda: not place.open_rules())
    assert sum(live.values("incidents_resolved_total", outcome="success")) == ended + 1
    assert sum(live.values("incident_recovery_seconds_count", **kind)) == counted + 1
    assert place.value("pane_incidents_open") == 0
    assert place.opened() == 1


def test_the_end_of_a_pane_ends_its_incidents(live: Live) -> None:
    puppet, place = live.puppet()
    puppet.print(MISSING)
    wait_until(place.open_rules)
    ended = sum(live.values("incidents_resolved_total", outcome="end"))
    live.tmux.run("kill-pane", "-t", place.pane)
    wait_until(lambda: not live.samples("pane_error_lines_total", **place.labels))
    assert place.open_rules() == {}
    assert sum(live.values("incidents_resolved_total", outcome="end")) == ended + 1


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("ModuleNotFoundError: No mod\x1b[1mule named '\x1b[31mmoo\x1b[0mla'", RULE),
        ("\x1b[31mModule\x1b[0m\x1b[4mNotFoundError\x1b[0m: No module named 'moola'", RULE),
        ("\x1b]8;;http://h/\x1b\\ModuleNotFoundError\x1b]8;;\x1b\\: No module named 'moola'", RULE),
        ("ModuleNotFoundError: No module named '" + "very." * 60 + "deep'", RULE),
        (MISSING_FILE + "'データ/訓練用.csv'", FILE_RULE),
        (MISSING_FILE + "'" + "訓練/" * 60 + "e\u0301\U0001f468\u200d\U0001f469.csv'", FILE_RULE),
    ],
    ids=["bold-inside", "colours", "link", "wrapped", "wide", "wide-wrapped"],
)
def test_however_it_is_drawn_it_counts_once(live: Live, text: str, rule: str) -> None:
    puppet, place = live.puppet()
    # The counters of a pane that was here before may go on.
    lines = place.value("pane_error_lines_total")
    puppet.print("$ python train.py", text, "$ true")
    wait_until(lambda: place.value("pane_error_lines_total") > lines)
    place.settle()
    assert place.open_rules() == {rule: 1}
    assert place.value("pane_error_lines_total") == lines + 1


def test_quiet_ends_an_incident_once_the_pane_goes_on() -> None:
    with live_panes("quiet_after: 0.2s") as live:
        puppet, place = live.puppet()
        puppet.print(MISSING)
        wait_until(place.open_rules)
        for _ in range(4):
            place.settle()
        assert place.open_rules() == {RULE: 1}
        assert sum(live.values("incidents_resolved_total")) == 0
        puppet.print("step 1 done")
        wait_until(lambda: not place.open_rules())
        assert sum(live.values("incidents_resolved_total", outcome="quiet")) == 1
        assert sum(live.values("incident_recovery_seconds_count")) == 0


def test_panes_that_swap_take_their_incidents_along_and_no_counter_falls(live: Live) -> None:
    (first, here), (second, there) = live.puppet(), live.puppet()
    first.print(MISSING, MISSING)
    second.print(MISSING_FILE + "'a'")
    wait_until(lambda: here.value("pane_error_lines_total") == 2 and there.open_rules())
    live.tmux.run("swap-pane", "-d", "-s", here.pane, "-t", there.pane)
    wait_until(lambda: there.open_rules() == {RULE: 1} and here.open_rules() == {FILE_RULE: 1})
    assert here.value("pane_error_lines_total") == 2
    assert there.value("pane_error_lines_total") == 1
    first.print(MISSING)
    wait_until(lambda: there.value("pane_error_lines_total") == 2)
    assert here.value("pane_error_lines_total") == 2


def test_a_renamed_session_takes_its_counters_along(live: Live) -> None:
    live.tmux.run("new-session", "-d", "-s", "before", "sleep 1000")
    puppet = Puppet(live.tmux, live.tmux.ask("#{pane_id}", "before"))
    place = Place(live, puppet.pane)
    wait_until(lambda: place.value("pane_captures_total"), what="the pane is read")
    puppet.print(MISSING)
    wait_until(place.open_rules)
    live.tmux.run("rename-session", "-t", "before", "after")
    renamed = Place(live, puppet.pane)
    wait_until(renamed.open_rules)
    assert renamed.value("pane_error_lines_total") == 1
    assert not live.samples("pane_error_lines_total", **place.labels)
