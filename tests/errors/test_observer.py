"""What is exported of the errors of made-up panes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from errors.looks import PROMPT, Looks
from errors.panes import make_rule
from panewatch.config import Config
from panewatch.errors.contract import METRICS
from panewatch.errors.pack import RulesError
from panewatch.errors.rule import FRICTIONS
from panewatch.errors.rulebook import Rulebook
from panewatch.errors.rules_in_use import ErrorsCollector, RulesInUse
from panewatch.panes.model import Line

OOM = "RuntimeError: CUDA out of memory. Tried to allocate 20.00 MiB"
MISSING = "bash: foo: command not found"

SMALL = Rulebook(
    [
        make_rule("disk", "^disk full", severity="P0", category="filesystem"),
        make_rule("host", "^cannot reach (?P<host>\\w+)", category="network"),
        make_rule("fine", "^all is well", kind="success", resolves=frozenset({"filesystem"})),
        make_rule("again", "^retrying", kind="friction", friction="retry"),
        make_rule("calm", "^0 errors", kind="noise"),
        make_rule("limit", "^usage limit", category="agent"),
    ]
)


def off() -> Config:
    return Config.model_validate({"collectors": {"errors": {"enabled": False}}})


def test_every_series_of_a_place_is_there_from_the_first_look() -> None:
    looks = Looks(SMALL)
    looks.look()
    place = {"server": "default", "session": "work", "window": "0", "pane": "0"}
    for name in ("pane_error_lines_total", "pane_lines_noise_total",
                 "pane_unclassified_lines_total"):  # fmt: skip
        assert looks.values(name, **place) == [0.0]
    for kind in FRICTIONS:
        assert looks.values("friction_total", kind=kind, **place) == [0.0]
    for severity, category in SMALL.kinds:
        labels = {"severity": severity, "category": category}
        assert looks.values("incidents_total", server="default", **labels) == [0.0]
        assert looks.values("incident_recovery_seconds_count", **labels) == [0.0]
    assert looks.values("pane_incidents_total", **place) == [0.0] * 3
    assert looks.values("pane_incidents_open", **place) == [0.0] * 3
    for outcome in ("success", "quiet", "end"):
        assert looks.values("incidents_resolved_total", outcome=outcome) == [0.0]
    assert looks.values("incident_open") == []
    assert looks.values("transfer_bytes_per_second") == []


def test_an_incident_from_its_opening_to_its_end() -> None:
    looks = Looks(SMALL)
    looks.look("disk full", "disk full", "0 errors", "something fatal happened")
    opened = looks.now + 1e9
    assert looks.value("pane_error_lines_total") == 2
    assert looks.value("pane_lines_noise_total") == 1
    assert looks.value("pane_unclassified_lines_total") == 1
    kind = {"severity": "P0", "category": "filesystem"}
    assert looks.value("incidents_total", **kind) == 1
    assert looks.value("pane_incidents_total", severity="P0") == 1
    assert looks.values("incident_open", rule="disk", **kind) == [1.0]
    assert looks.values("incident_opened_timestamp_seconds", rule="disk") == [opened]
    assert looks.value("pane_incidents_open", severity="P0") == 1
    looks.look("all is well", wait=45.0)
    assert looks.values("incident_open") == []
    assert looks.value("pane_incidents_open") == 0
    assert looks.value("incidents_resolved_total", outcome="success") == 1
    assert looks.value("incident_recovery_seconds_bucket", le="30.0", **kind) == 0
    assert looks.value("incident_recovery_seconds_bucket", le="60.0", **kind) == 1
    assert looks.value("incident_recovery_seconds_bucket", le="+Inf", **kind) == 1
    assert looks.value("incident_recovery_seconds_sum", **kind) == 45.0
    assert looks.value("incidents_total", **kind) == 1


def test_several_incidents_of_one_rule_are_one_series() -> None:
    looks = Looks(SMALL)
    looks.look("cannot reach alpha")
    first = looks.now + 1e9
    looks.look("cannot reach beta", "cannot reach alpha")
    assert looks.values("incident_open", rule="host") == [2.0]
    assert looks.values("incident_opened_timestamp_seconds", rule="host") == [first]
    assert looks.value("pane_incidents_total") == 2


def test_an_incident_ends_when_its_pane_goes_on_in_quiet() -> None:
    looks = Looks(SMALL)
    looks.look("disk full")
    looks.look(wait=10_000.0)  # nothing was printed: whoever reads it has not gone on
    assert looks.value("pane_incidents_open") == 1
    looks.look("working on something else")
    assert looks.value("pane_incidents_open") == 0
    assert looks.value("incidents_resolved_total", outcome="quiet") == 1
    looks.look("disk full")
    assert looks.value("pane_incidents_total") == 2


def test_a_slip_ends_in_quiet_at_a_prompt_where_nothing_runs() -> None:
    slip = make_rule("typo", "^no such program", severity="P2")
    looks = Looks(Rulebook([slip, make_rule("disk", "^disk full")]))
    looks.look("no such program", "disk full")
    looks.look(wait=10_000.0, state="working")
    assert looks.value("incident_open") == 2
    looks.look(state="idle")
    assert looks.values("incident_open", rule="typo") == []
    # What failed is not over because nobody looked at it.
    assert looks.values("incident_open", rule="disk") == [1.0]
    assert looks.value("incidents_resolved_total", outcome="quiet") == 1


def test_a_slip_is_mended_by_the_next_command_that_goes_well() -> None:
    slip = make_rule("typo", "^no such program", severity="P2")
    looks = Looks(Rulebook([slip, make_rule("disk", "^disk full")]))
    looks.look("$ gti status", "no such program", "disk full", "$ git status")
    assert looks.value("incident_open") == 2
    looks.look("$ make")
    assert looks.values("incident_open", rule="typo") == []
    assert looks.values("incident_open", rule="disk") == [1.0]
    assert looks.value("incidents_resolved_total", outcome="success") == 1


def test_another_program_in_a_pane_has_nothing_to_do_with_the_one_before() -> None:
    looks = Looks(SMALL)
    looks.look("disk full", "$ cat x")
    looks.look("disk full", restarted=True)
    assert looks.value("incidents_resolved_total", outcome="end") == 1
    # Nor is it what that one showed.
    assert looks.value("incident_open") == 1
    assert looks.value("pane_error_lines_total") == 2


def test_incidents_end_with_their_pane_and_so_do_its_series() -> None:
    looks = Looks(SMALL)
    looks.look("disk full", "cannot reach alpha")
    looks.look(pane="%2", place="1")
    looks.forget()
    looks.forget("%9")
    assert looks.value("incidents_resolved_total", outcome="end") == 2
    assert looks.values("pane_error_lines_total", pane="0") == []
    assert looks.values("pane_error_lines_total", pane="1") == [0.0]


def test_the_same_objects_while_nothing_changes() -> None:
    looks = Looks(SMALL)
    looks.look("disk full")
    before = list(looks.observer.collect())
    looks.look("nothing of interest")
    assert all(map(lambda a, b: a is b, before, looks.observer.collect()))
    looks.look("disk full")
    assert next(iter(looks.observer.collect())) is not before[0]
    rules = looks.rules.collect()
    assert looks.rules.collect() is rules


def test_a_line_that_comes_in_parts_counts_once() -> None:
    looks = Looks(SMALL)
    looks.look("disk full")
    looks.look(Line("disk full: /dev", continued=True))
    looks.look(Line("disk full: /dev/sda", continued=True))
    assert looks.value("pane_error_lines_total") == 1
    looks.look(Line("disk full: /dev/sda1", continued=True), "disk full")
    assert looks.value("pane_error_lines_total") == 2


def test_the_rest_of_a_line_may_tell_what_its_beginning_did_not() -> None:
    looks = Looks(SMALL)
    looks.look("disk")
    looks.look(Line("disk full", continued=True))
    assert looks.value("pane_error_lines_total") == 1


def test_a_line_that_grows_on_a_drawn_screen_counts_once() -> None:
    looks = Looks(SMALL)
    looks.look(Line("other", redrawn=True), Line("disk full", redrawn=True))
    for grown in ("disk full: /dev", "disk full: /dev/sda"):
        line = Line(grown, continued=True, redrawn=True)
        looks.look(Line(f"more {grown}", redrawn=True), line)
    assert looks.value("pane_error_lines_total") == 1
    looks.look(Line("disk full again", redrawn=True))
    assert looks.value("pane_error_lines_total") == 2


def test_a_command_is_read_when_it_is_typed_to_its_end(rulebook: Rulebook) -> None:
    looks = Looks(rulebook)
    looks.look(OOM)
    looks.look(PROMPT, screen=[OOM, PROMPT])
    typed = f"{PROMPT} cat"
    looks.look(Line(typed, continued=True), screen=[OOM, typed])
    looks.look(Line(f"{PROMPT} cat old.log", continued=True), OOM, "Killed")
    assert looks.value("pane_error_lines_total") == 1
    assert looks.value("pane_lines_noise_total") == 2
    looks.look(f"{PROMPT} make", "Killed")
    assert looks.value("pane_error_lines_total") == 2


def test_programs_in_windows_of_their_own_are_quoted_and_agents_are_not() -> None:
    looks = Looks(SMALL)
    drawn = Line("disk full", redrawn=True)
    looks.look(drawn, alternate=True, command="claude")
    looks.look("disk full", command="less")
    assert looks.value("pane_error_lines_total") == 0
    assert looks.value("pane_lines_noise_total") == 2
    looks.look(Line("usage limit reached", redrawn=True), alternate=True, command="claude")
    assert looks.value("incidents_total", category="agent") == 1
    # What was printed before the window opened comes with the first look at it.
    looks.look("disk full", Line("disk full", redrawn=True), alternate=True, command="claude")
    assert looks.value("incidents_total", category="filesystem") == 1


def test_a_gap_ends_what_was_begun(rulebook: Rulebook) -> None:
    looks = Looks(rulebook)
    looks.look("user@host:~$ cat old.log", "Killed")
    assert looks.value("pane_error_lines_total") == 0
    looks.look("Killed", gap=True)
    assert looks.value("pane_error_lines_total") == 1


def test_a_block_without_an_end_is_told_at_a_later_look(rulebook: Rulebook) -> None:
    looks = Looks(rulebook)
    looks.look("Traceback (most recent call last):", '  File "/a.py", line 1, in <module>')
    assert looks.value("pane_incidents_total") == 0
    looks.look(wait=6.0)
    assert looks.value("pane_incidents_total") == 1


def test_friction_is_counted_where_it_shows(rulebook: Rulebook) -> None:
    looks = Looks(rulebook)
    for _ in range(4):
        looks.look("user@host:~$ make -j8", "make: *** [Makefile:3: all] Error 1")
    assert looks.value("friction_total", kind="repeated_command") == 1
    assert looks.value("friction_total", kind="restart_loop") == 1
    looks.look("user@host:~$ scp a.tar host:")
    looks.look("user@host:~$ scp a.tar host:")
    assert looks.value("friction_total", kind="retransfer") == 1


def test_a_bar_that_stands_still_shows_without_a_line_printed() -> None:
    looks = Looks(SMALL)
    for percent in range(6):
        looks.look(screen=[f"a.tar  {percent}%  450MB  11.2MB/s   00:47 ETA"], wait=1.0)
    assert looks.value("transfer_bytes_per_second") == pytest.approx(11.2 * 2**20)
    looks.look(screen=["a.tar  5%  450MB  11.2MB/s   00:47 ETA"], wait=301.0)
    assert looks.value("friction_total", kind="progress_gap") == 1
    assert looks.values("transfer_bytes_per_second") == []


def test_two_panes_that_swap_places_let_no_counter_fall() -> None:
    looks = Looks(SMALL)
    looks.look("disk full", "retrying", pane="%1", place="0")
    looks.look("cannot reach alpha", "cannot reach beta", pane="%2", place="1")
    before = looks.counters()
    looks.look(pane="%1", place="1")
    between = looks.counters()
    looks.look("disk full", pane="%2", place="0")
    after = looks.counters()
    for key, value in before.items():
        # A place where nobody stands is not shown, and goes on where it was.
        assert between.get(key, value) >= value, key
        assert after[key] >= value, key
    # The incidents went with their panes.
    assert looks.values("incident_open", rule="disk", pane="1") == [1.0]
    assert looks.values("incident_open", rule="host", pane="0") == [2.0]


@given(st.lists(st.tuples(st.integers(0, 2), st.permutations("012"), st.booleans()), max_size=12))
@settings(max_examples=100, deadline=None)
def test_however_panes_swap_no_counter_falls(
    story: list[tuple[int, list[str], bool]],
) -> None:
    looks = Looks(SMALL)
    for number in range(3):
        looks.look(pane=f"%{number}", place=str(number))
    known = looks.counters()
    for who, places, fails in story:
        order = [(who + step) % 3 for step in range(3)]
        for number in order:
            lines = ("disk full", "retrying") if fails and number == who else ()
            looks.look(*lines, pane=f"%{number}", place=places[number])
            counters = looks.counters()
            for key, value in known.items():
                assert counters.get(key, value) >= value, key
            known |= counters
        assert set(known) == set(looks.counters())


def test_a_pane_that_moves_takes_its_counters_to_a_new_place() -> None:
    looks = Looks(SMALL)
    looks.look("disk full")
    looks.look(place="7")
    assert looks.values("pane_error_lines_total", pane="7") == [1.0]
    assert looks.values("pane_error_lines_total", pane="0") == []
    assert looks.values("incident_open", rule="disk", pane="7") == [1.0]


def test_panes_that_move_take_their_incidents_along_before_they_are_looked_at() -> None:
    looks = Looks(SMALL)
    looks.look("disk full", pane="%1", place="0")
    looks.look("cannot reach alpha", pane="%2", place="1")
    looks.look("usage limit", pane="%3", place="2")
    before = looks.counters()
    looks.move(pane1="1", pane2="0", pane3="7", pane4="9")
    for rule, place in (("disk", "1"), ("host", "0"), ("limit", "7")):
        assert looks.values("incident_open", rule=rule) == [1.0]
        assert looks.values("incident_open", rule=rule, pane=place) == [1.0]
        assert looks.values("incident_opened_timestamp_seconds", rule=rule, pane=place)
    after = looks.counters()
    # The third took its counters along; the fourth was never looked at.
    assert {str(part[1]) for key in after for part in key[1:] if isinstance(part, tuple)
            and part[0] == "pane"} == {"0", "1", "7"}  # fmt: skip
    assert all(value >= before.get(key, 0) for key, value in after.items())
    assert looks.values("pane_error_lines_total", pane="7") == [1.0]
    assert looks.values("pane_error_lines_total", pane="2") == []
    # What a pane does from now on counts where it stands.
    looks.look("retrying", pane="%1", place="1")
    assert looks.values("friction_total", kind="retry", pane="1") == [1.0]
    assert looks.values("friction_total", kind="retry", pane="0") == [0.0]


def test_panes_close_up_when_one_before_them_is_gone() -> None:
    looks = Looks(SMALL)
    for number, text in enumerate(("cannot reach alpha", "disk full", "usage limit")):
        looks.look(text, pane=f"%{number}", place=str(number))
    before = looks.counters()
    looks.forget("%0")
    looks.move(pane1="0", pane2="1")
    assert looks.values("incident_open", rule="disk", pane="0") == [1.0]
    assert looks.values("incident_open", rule="limit", pane="1") == [1.0]
    assert looks.value("incident_open") == 2.0
    after = looks.counters()
    assert all(value >= before.get(key, 0) for key, value in after.items())
    assert looks.values("pane_error_lines_total", pane="2") == []


def test_switched_off_and_on() -> None:
    looks = Looks(SMALL)
    looks.look("disk full")
    looks.observer.reconfigure(off())
    looks.look("disk full")
    assert list(looks.observer.collect()) == []
    looks.observer.reconfigure(Config())
    looks.look("disk full")
    assert looks.value("pane_error_lines_total") == 1


def test_other_rules_take_over_what_is_open() -> None:
    looks = Looks(SMALL)
    looks.look("disk full", "cannot reach alpha")
    milder = make_rule("disk", "^disk full", severity="P2", category="filesystem")
    looks.rules._rulebook = Rulebook([milder])
    looks.look()
    assert looks.values("incident_open", rule="disk", severity="P2") == [1.0]
    assert looks.values("incident_open", rule="host") == []
    assert looks.value("incidents_resolved_total", outcome="end") == 1
    # What was counted under the rules that are gone stays.
    assert looks.value("incidents_total", severity="P0", category="filesystem") == 1


def test_the_exposition_is_well_formed(rulebook: Rulebook) -> None:
    looks = Looks(rulebook)
    looks.look(OOM, MISSING, "0 errors", "something fatal: nobody knows", "user@host:~$ make")
    looks.look("Killed", pane="%2", place='1"\\')
    looks.look("======= 3 passed in 0.1s =======", wait=30.0)
    text = looks.expose()
    families = {family.name: family for family in text_string_to_metric_families(text)}
    wanted = {spec.full_name.removesuffix("_total") for spec in METRICS}
    assert set(families) == wanted
    seen: set[tuple[object, ...]] = set()
    for family in families.values():
        assert family.documentation
        for sample in family.samples:
            key = (sample.name, *sorted(sample.labels.items()))
            assert key not in seen
            seen.add(key)
    result = subprocess.run(
        ["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


CANARIES = (
    "AKIAIOSFODNN7CANARY1", "canary-password", "canary_module", "canary.example.org",
    "/home/canary", "CanaryError",
)  # fmt: skip


def test_no_text_of_a_pane_is_exported(rulebook: Rulebook) -> None:
    looks = Looks(rulebook)
    looks.look(
        f"ModuleNotFoundError: No module named '{CANARIES[2]}'",
        f"ssh: connect to host {CANARIES[3]} port 22: Connection refused",
        f"bash: {CANARIES[4]}: No such file or directory",
        f"{CANARIES[5]}: fatal error with {CANARIES[0]}",
        f"user@host:~$ curl -u me:{CANARIES[1]} https://{CANARIES[3]}",
        f"curl: (6) Could not resolve host: {CANARIES[3]}",
        f"fatal: Authentication failed for 'https://me:{CANARIES[1]}@{CANARIES[3]}/a.git'",
        screen=[f"{CANARIES[0]} 45%  450MB  11.2MB/s   00:47 ETA"],
    )
    assert looks.value("pane_incidents_open") >= 4
    text = looks.expose()
    assert [canary for canary in CANARIES if canary.lower() in text.lower()] == []


def write_pack(folder: Path, severity: str = "P1") -> str:
    file = folder / "own.yaml"
    file.write_text(
        "rules:\n  - id: own-rule\n    match: ^frobnicator exploded\n"
        f"    severity: {severity}\n    suggestion: Buy another one.\n"
        "    examples: [frobnicator exploded]\n"
    )
    return str(file)


def test_rules_are_prepared_and_then_put_to_use(tmp_path: Path) -> None:
    rules = RulesInUse()
    with pytest.raises(RuntimeError):
        rules.collect()
    rules.prepare(Config())
    first = rules.rulebook
    config = Config.model_validate({"errors": {"packs": [write_pack(tmp_path)]}})
    rules.prepare(config)
    assert rules.rulebook is first
    collector = ErrorsCollector(rules)
    second = rules.rulebook
    assert "own-rule" in second.by_id
    write_pack(tmp_path, severity="bad")
    with pytest.raises(RulesError):
        rules.prepare(config)
    collector.reconfigure(config)
    assert rules.rulebook is second
    info, matches, number, _ = collector.collect()
    assert (info.samples, matches.samples) == ([], [])
    rules.count(second.by_id["own-rule"])
    info, matches, number, _ = collector.collect()
    (own,), (taken,) = info.samples, matches.samples
    assert own.labels["suggestion"] == "Buy another one."
    assert (taken.labels, taken.value) == ({"rule": "own-rule"}, 1.0)
    assert sum(s.value for s in number.samples) == len(second.rules)


def test_matches_are_counted_also_for_rules_that_are_gone() -> None:
    looks = Looks(SMALL)
    looks.look("disk full", "disk full", "retrying", "0 errors")
    looks.rules._rulebook = Rulebook([make_rule("other", "^frobnicate")])
    _, matches, _ = looks.rules.collect()
    counts = {sample.labels["rule"]: sample.value for sample in matches.samples}
    assert counts == {"disk": 2.0, "again": 1.0, "calm": 1.0}


def test_what_is_open_has_its_suggestion() -> None:
    looks = Looks(SMALL)
    looks.look("disk full", "cannot reach alpha", "0 errors")
    info, _, _ = looks.rules.collect()
    assert {sample.labels["rule"] for sample in info.samples} == {"disk", "host"}
    assert looks.rules.collect()[0] is info
    looks.look("disk full")
    assert looks.rules.collect()[0] is info


def test_the_place_of_a_pane_that_was_killed_goes_on_with_its_neighbour() -> None:
    looks = Looks(SMALL)
    looks.look(pane="%1", place="0")
    looks.look(*["disk full"] * 6, pane="%2", place="1")
    looks.forget("%1")
    looks.look("disk full", pane="%2", place="0")
    assert looks.values("pane_error_lines_total", pane="0") == [1.0]
    assert looks.values("pane_error_lines_total", pane="1") == []
    assert looks.values("incident_open", rule="disk", pane="0") == [1.0]


def test_a_pane_that_was_killed_leaves_its_neighbour_what_is_open() -> None:
    looks = Looks(SMALL)
    looks.look("cannot reach alpha", pane="%1", place="0")
    looks.look("disk full", pane="%2", place="1")
    looks.look(pane="%2", place="0")  # swapped; the other was not looked at yet
    looks.forget("%1")
    assert looks.values("incident_open", rule="disk", pane="0") == [1.0]
    assert looks.values("incident_open", rule="host") == []


def test_numbers_beyond_all_bounds_are_no_rate() -> None:
    looks = Looks(SMALL)
    for text in ("9" * 400 + " B/s", "  1 1 1 1 1 1 1 1 - - - ..", "1.2.3MB/s"):
        looks.look(screen=[text])
        looks.look(screen=[text + " "])
        assert looks.values("transfer_bytes_per_second") == []
