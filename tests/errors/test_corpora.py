"""How well the built-in rules do on real logs with known answers, where those are at hand."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from statistics import median

import pytest

from panewatch.errors.explain import explain, read_lines
from panewatch.errors.rulebook import Rulebook

CORPORA = Path(__file__).parents[3] / "shared" / "corpora"

pytestmark = pytest.mark.skipif(not CORPORA.is_dir(), reason="../shared/corpora is not here")

LEAST_RECALL = {"cidiff": 0.9, "treeherder": 0.9, "logchunks": 0.8}
"""Share of the lines that people marked as the explanation near which an error is told."""

MOST_INCIDENTS = 3
MOST_FALSE = 0.5
"""P0 and P1 incidents in a thousand lines of logs of jobs that passed."""

Told = list[tuple[int, bool]]


def read_labels(name: str) -> Iterator[Mapping[str, object]]:
    file = CORPORA / "labels" / f"{name}.jsonl"
    for line in file.read_text(encoding="utf8").splitlines():
        label = json.loads(line)
        if label.get("role") != "C" and (CORPORA / "ci" / label["file"]).exists():
            yield label


@cache
def find_serious(rulebook: Rulebook, name: str) -> Told:
    """Return the lines of P0 and P1 errors, from 1, and whether each opens an incident."""
    with (CORPORA / "ci" / name).open("rb") as stream:
        return [
            (event.line + 1, event.opens)
            for event, _ in explain(rulebook, read_lines(stream))
            if event.kind == "error" and event.rule is not None and event.rule.severity != "P2"
        ]


@pytest.mark.parametrize("source", LEAST_RECALL)
def test_what_people_marked_is_found(source: str, rulebook: Rulebook) -> None:
    spans: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    for label in read_labels("ci"):
        if label["set"] == source:
            spans[str(label["file"])].append((int(str(label["start"])), int(str(label["end"]))))
    assert spans
    found = total = 0
    opened: list[int] = []
    for name, wanted in spans.items():
        told = find_serious(rulebook, name)
        total += len(wanted)
        found += sum(any(begin - 1 <= line <= end + 1 for line, _ in told) for begin, end in wanted)
        opened.append(sum(opens for _, opens in told))
    assert found / total >= LEAST_RECALL[source]
    assert median(opened) <= MOST_INCIDENTS


def test_logs_of_what_passed_are_quiet(rulebook: Rulebook) -> None:
    names = {str(label["file"]) for label in read_labels("ci_pass")}
    assert names
    lines = opened = 0
    for name in names:
        lines += (CORPORA / "ci" / name).read_bytes().count(b"\n") + 1
        opened += sum(opens for _, opens in find_serious(rulebook, name))
    assert opened / lines * 1000 <= MOST_FALSE
