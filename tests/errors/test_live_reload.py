"""A reload of the rules while panes are watched and many scrape."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from prometheus_client.parser import text_string_to_metric_families

from errors.live_panes import Live, live_panes
from polling import wait_until
from runner.programs import get

MISSING = "ModuleNotFoundError: No module named 'moola'"
RULE = "python-module-missing"
GOOD = r"""
rules:
  - id: reactor-hot
    category: process
    severity: P0
    match: '^REACTOR (?P<which>\w+) IS HOT$'
    suggestion: "Let it cool."
    examples: ["REACTOR two IS HOT"]
    counterexamples: ["REACTOR two IS COLD"]
"""
BAD = GOOD.replace("IS HOT$'", "(IS HOT$'")
WRONG = GOOD.replace('["REACTOR two IS HOT"]', '["REACTOR two IS WARM"]')
SCRAPERS = 20


@pytest.fixture
def live() -> Iterator[Live]:
    with live_panes() as running:
        yield running


@contextmanager
def scraping(live: Live) -> Iterator[list[str]]:
    """Scrape with many at once for the time of a with-block, and keep the answers."""
    ended = threading.Event()
    answers: list[str] = []

    def scrape() -> None:
        while not ended.is_set():
            status, text = get(live.port)
            assert status in {200, 503}
            if status == 200:
                answers.append(text)

    with ThreadPoolExecutor(SCRAPERS) as pool:
        running = [pool.submit(scrape) for _ in range(SCRAPERS)]
        try:
            yield answers
        finally:
            ended.set()
            for one in running:
                one.result()


def count_rules(text: str) -> int:
    """How many rules of the kind error are in use."""
    (number,) = re.findall(r'^panewatch_rules{kind="error"} (\d+)', text, re.MULTILINE)
    return int(number)


def count(text: str) -> dict[tuple[str, str], float]:
    """The counters of the domain, by name and labels."""
    return {
        (sample.name, str(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        if family.type == "counter" and not family.name.startswith("panewatch_http")
        for sample in family.samples
    }


def test_bad_rules_change_nothing_and_good_ones_take_their_place_at_once(live: Live) -> None:
    puppet, place = live.puppet()
    puppet.print("$ ./plant", MISSING, "REACTOR two IS HOT")
    wait_until(place.open_rules)
    place.settle()
    opened_at = live.values("incident_opened_timestamp_seconds", **place.labels)
    assert place.open_rules() == {RULE: 1}
    wait_until(lambda: live.samples("rule_info", rule=RULE))
    known = count_rules(get(live.port)[1])
    pack = live.folder / "plant.yaml"
    live.configure(f"packs: [{pack}]")
    with scraping(live) as answers:
        for text in (BAD, WRONG):
            pack.write_text(text)
            live.reload("reload failed")
            wait_until(lambda: live.values("config_last_reload_successful") == [0])
            place.settle()
            assert count_rules(get(live.port)[1]) == known
            assert place.open_rules() == {RULE: 1}
        puppet.print(MISSING)
        wait_until(lambda: place.value("pane_error_lines_total") == 2)
        pack.write_text(GOOD)
        live.reload("configuration reloaded")
        wait_until(lambda: live.values("config_last_reload_successful") == [1])
        wait_until(lambda: count_rules(get(live.port)[1]) == known + 1)
        puppet.print("REACTOR two IS HOT", "REACTOR three IS COLD")
        wait_until(lambda: live.samples("rule_info", rule="reactor-hot"))
        place.settle()
    first, second = [line for line in live.exporter.log.splitlines() if "reload failed" in line]
    assert str(pack) in first
    assert "reactor-hot" in first
    assert f"{pack}:6:" in first
    assert str(pack) in second
    assert "reactor-hot" in second
    assert place.open_rules() == {RULE: 1, "reactor-hot": 1}
    since = live.samples("incident_opened_timestamp_seconds", **place.labels, rule=RULE)
    assert [value for _, value in since] == opened_at
    # Each answer has the one set of rules or the other.
    assert {count_rules(text) for text in answers} == {known, known + 1}
    before: dict[tuple[str, str], float] = {}
    for text in (answers[0], get(live.port)[1]):
        now = count(text)
        assert now.keys() >= before.keys()
        assert all(now[series] >= value for series, value in before.items())
        before = now


def test_an_open_incident_follows_its_rule(live: Live) -> None:
    puppet, place = live.puppet()
    puppet.print("$ ./plant", MISSING, "$ true")
    wait_until(place.open_rules)
    live.configure(f"severity: {{{RULE}: P2}}")
    live.reload("configuration reloaded")
    wait_until(lambda: place.value("incident_open", severity="P2") == 1)
    assert place.open_rules() == {RULE: 1}
    assert place.value("pane_incidents_open", severity="P2") == 1
    live.configure(f"severity: {{{RULE}: 'off'}}")
    live.reload("configuration reloaded")
    wait_until(lambda: not place.open_rules())
    assert sum(live.values("incidents_resolved_total", outcome="end")) == 1
    wait_until(lambda: not live.samples("rule_info", rule=RULE))


def test_the_collector_is_switched_off_and_on(live: Live) -> None:
    puppet, place = live.puppet()
    puppet.print("$ ./plant", MISSING)
    wait_until(place.open_rules)
    live.configure(enabled=False)
    live.reload("configuration reloaded")
    wait_until(lambda: not live.samples("pane_error_lines_total"))
    names = re.findall(r"^# TYPE panewatch_(\S+)", get(live.port)[1], re.MULTILINE)
    assert not [name for name in names if name.startswith(("rule", "incident", "friction"))]
    puppet.print("FileNotFoundError: [Errno 2] No such file or directory: 'while it is off'")
    place.settle()
    pack = live.folder / "plant.yaml"
    pack.write_text(GOOD)
    live.configure(f"packs: [{pack}]")
    live.reload("configuration reloaded")
    wait_until(lambda: live.samples("pane_error_lines_total", **place.labels))
    puppet.print("REACTOR two IS HOT")
    wait_until(place.open_rules)
    assert place.open_rules() == {"reactor-hot": 1}
    wait_until(lambda: live.samples("rule_info", rule="reactor-hot"))


def test_it_may_be_off_from_the_start() -> None:
    with live_panes(enabled=False) as live:
        puppet, place = live.puppet()
        puppet.print("$ ./plant", MISSING)
        place.settle()
        assert not live.samples("pane_error_lines_total")
        assert "observer failed" not in live.exporter.log
        live.configure()
        live.reload("configuration reloaded")
        wait_until(lambda: live.samples("pane_error_lines_total", **place.labels))
        puppet.print(MISSING.replace("moola", "peas"))
        wait_until(place.open_rules)
        assert place.opened() == 1
