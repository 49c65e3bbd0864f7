"""What holds for each panel and each query: the rules of dashboard-linter, and more."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from boards.panels import PER_HOUR
from dashboards.boards_on_disk import BOARDS, PANELS, QUERIES, ROOT, Place, read_variables
from dashboards.promql import find_selectors, substitute
from panewatch.contract import MetricSpec
from panewatch.reference import DOMAINS

EXPORTED = {spec.full_name: spec for _, specs in DOMAINS for spec in specs}
"""Every family that panewatch exports."""


def find_series(spec: MetricSpec) -> dict[str, MetricSpec]:
    """What a query may name of a family: of a histogram its parts, which are counters."""
    if spec.type != "histogram":
        return {spec.full_name: spec}
    part = replace(spec, name=f"{spec.name}_total", type="counter", unit="")
    bucket = replace(part, labels=(*spec.labels, "le"))
    return {
        f"{spec.full_name}_bucket": bucket,
        f"{spec.full_name}_sum": part,
        f"{spec.full_name}_count": part,
    }


SPECS = {name: part for spec in EXPORTED.values() for name, part in find_series(spec).items()}
"""Every series of them by its name."""

STANDARD = {
    "up": "gauge",
    "scrape_duration_seconds": "gauge",
    "scrape_samples_scraped": "gauge",
    "process_cpu_seconds_total": "counter",
    "process_resident_memory_bytes": "gauge",
    "process_open_fds": "gauge",
    "process_max_fds": "gauge",
    "process_start_time_seconds": "gauge",
}
"""What Prometheus and its client library add for each target, and its type."""

ALERTS = {"ALERTS", "ALERTS_FOR_STATE"}
"""Written by Prometheus for each alert; an alert need not be about an instance."""

OF_COUNTERS = {"rate", "increase", "resets"}
CHOICES = ("server", "session", "window", "pane")

panels = pytest.mark.parametrize("place", PANELS, ids=str)
tables = pytest.mark.parametrize(
    "place", [place for place in PANELS if place.panel["type"] == "table"], ids=str
)
queries = pytest.mark.parametrize(
    ("place", "query"), QUERIES, ids=[f"{place} {query['refId']}" for place, query in QUERIES]
)


def record_names() -> set[str]:
    """What the recording rules write."""
    return {
        rule["record"]
        for file in (ROOT / "prometheus/rules").glob("*.yml")
        for group in yaml.safe_load(file.read_text())["groups"]
        for rule in group["rules"]
        if "record" in rule
    }


@panels
def test_tells_what_it_shows(place: Place) -> None:
    assert place.panel["title"].strip() == place.panel["title"] != ""
    description = place.panel["description"]
    assert description.endswith(".")
    assert len(description) > 60
    assert "|" not in description


@panels
def test_has_a_unit(place: Place) -> None:
    assert place.panel["fieldConfig"]["defaults"]["unit"]


@panels
def test_asks_the_chosen_data_source(place: Place) -> None:
    assert place.queries
    sources = [place.panel["datasource"], *(query["datasource"] for query in place.queries)]
    assert all(s == {"type": "prometheus", "uid": "${datasource}"} for s in sources)


@panels
def test_queries_have_their_own_letters(place: Place) -> None:
    letters = [query["refId"] for query in place.queries]
    assert letters == list("ABCDEFGHIJ"[: len(letters)])


@tables
def test_a_table_shows_only_fields_it_has(place: Place) -> None:
    """A value that no column names would be asked for and thrown away."""
    steps = {step["id"]: step["options"] for step in place.panel["transformations"]}
    shown = set(steps["filterFieldsByName"]["include"]["names"])
    many = len(place.queries) > 1
    values = {f"Value #{query['refId']}" for query in place.queries} if many else {"Value"}
    assert {name for name in shown if name.startswith("Value")} == values
    assert set(steps["organize"]["renameByName"]) == shown
    titles = set(steps["organize"]["renameByName"].values())
    named = {
        override["matcher"]["options"]
        for override in place.panel["fieldConfig"]["overrides"]
        if override["matcher"]["id"] == "byName"
    }
    assert named <= titles
    text = "\n".join(query["expr"] for query in place.queries)
    assert all(re.search(rf"\b{name}\b", text) for name in shown - values)
    assert all(query["instant"] and query["format"] == "table" for query in place.queries)


@queries
def test_selects_only_what_is_exported(place: Place, query: dict[str, Any]) -> None:
    selectors = find_selectors(query["expr"])
    assert selectors
    for selector in selectors:
        assert (
            selector.metric in SPECS
            or selector.metric in STANDARD
            or selector.metric in ALERTS
            or selector.metric in record_names()
        ), f"{place}: {selector.metric} is exported by nobody"
        if selector.metric in SPECS:
            known = {"job", "instance", *SPECS[selector.metric].labels}
            assert set(selector.matchers) <= known, f"{place}: {selector}"


@queries
def test_follows_every_choice_on_the_page(place: Place, query: dict[str, Any]) -> None:
    for selector in find_selectors(query["expr"]):
        if selector.metric in ALERTS:
            assert selector.matchers["alertname"] == '=~"Panewatch.+"'
            continue
        labels = SPECS[selector.metric].labels if selector.metric in SPECS else ()
        chosen = {"job", "instance", *(place.variables & set(labels) & set(CHOICES))}
        for label in chosen:
            assert selector.matchers.get(label) == f'=~"${label}"', f"{place}: {selector}"


@queries
def test_counters_are_only_read_as_rates(place: Place, query: dict[str, Any]) -> None:
    for selector in find_selectors(query["expr"]):
        spec = SPECS.get(selector.metric)
        kind = spec.type if spec else STANDARD.get(selector.metric, "gauge")
        assert (kind == "counter") == (selector.function in OF_COUNTERS), f"{place}: {selector}"


@queries
def test_windows_follow_the_resolution(place: Place, query: dict[str, Any]) -> None:
    """``$__range`` is for queries about the whole time range, which are asked once.

    Rare events are counted over the hour that their unit names.
    """
    if place.panel["fieldConfig"]["defaults"]["unit"] == PER_HOUR:
        assert {selector.window for selector in find_selectors(query["expr"])} == {"1h"}
        return
    allowed = {"$__rate_interval", "$__range"} if query.get("instant") else {"$__rate_interval"}
    for selector in find_selectors(query["expr"]):
        if selector.function in OF_COUNTERS:
            assert selector.window in allowed, f"{place}: {selector}"
        else:
            assert not selector.window, f"{place}: {selector}"


@queries
def test_legends_name_labels_that_the_series_have(place: Place, query: dict[str, Any]) -> None:
    named = set(re.findall(r"{{(\w+)}}", query["legendFormat"]))
    known = {"job", "instance"}
    for selector in find_selectors(query["expr"]):
        known |= set(SPECS[selector.metric].labels) if selector.metric in SPECS else set()
    assert named <= known
    if place.panel["type"] != "table":
        assert query["legendFormat"] != "__auto"


def test_every_exported_metric_is_used() -> None:
    used = {s.metric for _, query in QUERIES for s in find_selectors(query["expr"])}
    for board in BOARDS:
        for variable in read_variables(board)[1:]:
            inner = re.match(r"label_values\((.*), \w+\)$", variable["query"]["query"])
            assert inner
            used |= {selector.metric for selector in find_selectors(inner[1])}
    unused = {name for name, spec in EXPORTED.items() if not used & find_series(spec).keys()}
    assert unused == set()


def check_rules(folder: Path, expressions: list[str]) -> subprocess.CompletedProcess[str]:
    """Let promtool parse queries, each as a recording rule of its own."""
    rules = [{"record": f"q:{n}", "expr": expr} for n, expr in enumerate(expressions)]
    file = folder / "queries.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}))
    return subprocess.run(
        ["promtool", "check", "rules", str(file)], capture_output=True, text=True, check=False
    )


def test_prometheus_parses_every_query(tmp_path: Path) -> None:
    expressions = [substitute(query["expr"]) for _, query in QUERIES]
    for board in BOARDS:
        for variable in read_variables(board)[1:]:
            inner = variable["query"]["query"].removeprefix("label_values(").rpartition(", ")[0]
            expressions.append(substitute(inner))
    assert not any("$" in expr for expr in expressions)
    result = check_rules(tmp_path, expressions)
    assert result.returncode == 0, result.stderr
    assert f"{len(expressions)} rules found" in result.stdout


@pytest.mark.parametrize("expr", ["sum by (a) (up", "rate(up)", "up{job=~}", "up + on up"])
def test_that_check_can_fail(tmp_path: Path, expr: str) -> None:
    assert check_rules(tmp_path, ["up", expr]).returncode != 0
