"""Peers of the rules: the same expressions in mtail, and in a loop over Python's ``re``.

Both are spared what tells noise from failures: prefixes, ``unless``, context, incidents.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from panewatch.errors.rule import Rule

_SLASH = re.compile(r"(?<!\\)((?:\\\\)*)/")
_LONGEST = 100_000
"""Characters of an expression that mtail is told to accept; by default it is 1,024."""


class Work(NamedTuple):
    """What a peer is to be measured at.

    ``start`` does nothing but begin and end; ``search`` reads all lines as well and returns
    how often an expression matched one.
    """

    start: Callable[[], object]
    search: Callable[[], int]


def prepare_mtail(binary: str, rules: Sequence[Rule], lines: Sequence[str], folder: Path) -> Work:
    """Write a program with one counter for each rule into ``folder``, and a log of ``lines``."""
    programs, full, empty = folder / "programs", folder / "full.log", folder / "empty.log"
    programs.mkdir()
    rules = [rule for rule in rules if rule.match]  # mtail refuses a counter that nothing counts
    counters = [f"counter rule_{number}" for number in range(len(rules))]
    actions = [
        f"/{_SLASH.sub(_escape, expression)}/ {{\n  rule_{number}++\n}}"
        for number, rule in enumerate(rules)
        for expression in rule.match
    ]
    (programs / "rules.mtail").write_text("\n".join([*counters, *actions, ""]))
    full.write_text("".join(f"{line}\n" for line in lines), errors="replace")
    empty.touch()

    def read(log: Path) -> int:
        done = subprocess.run(
            (binary, "--one_shot", "--one_shot_format", "json", "--max_regexp_length",
             str(_LONGEST), "--progs", str(programs), "--logs", str(log)),
            check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=600,
        )  # fmt: skip
        return _count(done.stdout)

    return Work(lambda: read(empty), lambda: read(full))


def _escape(slash: re.Match[str]) -> str:
    return f"{slash[1]}\\/"


def _count(output: bytes) -> int:
    """Return the sum of all counters in mtail's output."""
    metrics = (metric for named in json.loads(output).values() for metric in named)
    return sum(
        int(value["Value"]["Value"])
        for metric in metrics
        if metric["Name"].startswith("rule_")
        for value in metric["LabelValues"]
    )


def prepare_re(rules: Sequence[Rule], lines: Sequence[str]) -> Work:
    """Compile the expressions for Python's ``re``."""
    searches = [re.compile(expression).search for rule in rules for expression in rule.match]

    def search() -> int:
        return sum(one(line) is not None for line in lines for one in searches)

    return Work(lambda: None, search)
