"""The rules that all servers' observers go by, and the ``errors`` collector that tells of them."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import ClassVar, TypeAlias

from prometheus_client import Metric

from panewatch.config import Config, ErrorsSettings
from panewatch.errors import contract as c
from panewatch.errors.loading import build_rulebook
from panewatch.errors.memory import Memory
from panewatch.errors.rule import Rule
from panewatch.errors.rulebook import Rulebook

Families: TypeAlias = tuple[Metric, Metric, Metric]
"""What rules are, what they took, and how many there are."""


class RulesInUse:
    """The rulebook in use; another one takes its place when the configuration is read again."""

    def __init__(self) -> None:
        self._rulebook: Rulebook | None = None
        self._next: Rulebook | None = None
        self._matches: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._told: tuple[Rulebook, dict[str, int], Families] | None = None

    @property
    def rulebook(self) -> Rulebook:
        """The rules to go by now."""
        if self._rulebook is None:
            raise RuntimeError("the rules were not prepared")
        return self._rulebook

    def prepare(self, config: Config) -> None:
        """Read the rules that ``config`` asks for; `adopt` puts them to use.

        Raises:
            RulesError: a pack is bad; the rules in use stay.
        """
        self._next = build_rulebook(config.errors, self._rulebook)
        if self._rulebook is None:
            self.adopt()

    def adopt(self) -> None:
        """Go over to the rules that were prepared last."""
        if self._next is not None:
            self._rulebook, self._next = self._next, None

    def count(self, rule: Rule) -> None:
        """Count a line that ``rule`` took; several threads may."""
        with self._lock:
            self._matches[rule.id] += 1

    def recall(self, rule: Rule) -> None:
        """Tell of a rule that took a line before the start, and whose incident is still open."""
        with self._lock:
            self._matches[rule.id] += 0

    def collect(self) -> Families:
        """Return what there is to tell of the rules; the same objects while nothing changes."""
        rulebook = self.rulebook
        with self._lock:
            counts = dict(self._matches)
        told = self._told
        if told is None or told[0] is not rulebook:
            info, number = _describe(rulebook, counts), _count_kinds(rulebook)
        elif told[1].keys() != counts.keys():
            info, number = _describe(rulebook, counts), told[2][2]
        elif told[1] != counts:
            info, _, number = told[2]
        else:
            return told[2]
        families = (info, _count_matches(counts), number)
        self._told = rulebook, counts, families
        return families


def _describe(rulebook: Rulebook, counts: Mapping[str, int]) -> Metric:
    """Build the family of what the error rules are that took something since the start.

    An incident is opened by a rule that took something, so that of what is open none is missing.
    """
    info = c.RULE_INFO.family()
    for name in counts:
        rule = rulebook.by_id.get(name)
        if rule is not None and rule.kind == "error":
            labels = {
                "rule": rule.id,
                "severity": rule.severity,
                "category": rule.category,
                "suggestion": rule.suggestion,
            }
            info.add_sample(info.name, labels, 1.0)
    return info


def _count_kinds(rulebook: Rulebook) -> Metric:
    number = c.RULES.family()
    for kind, rules in rulebook.by_kind.items():
        number.add_sample(number.name, {"kind": kind}, float(len(rules)))
    return number


def _count_matches(counts: Mapping[str, int]) -> Metric:
    """Build the family of the rules' matches; a rule that is gone keeps its own."""
    matches = c.RULE_MATCHES.family()
    for name, number in counts.items():
        matches.add_sample(c.RULE_MATCHES.full_name, _label(name), float(number))
    return matches


@lru_cache(maxsize=4096)
def _label(name: str) -> dict[str, str]:
    """Return a rule's labels: the same object each time, which spares writing them anew."""
    return {"rule": name}


class ErrorsCollector:
    """The rules in use; the errors themselves come with the panes.

    ::

        panewatch_rule_matches_total{rule="python-module-missing"} 3
    """

    name: ClassVar[str] = "errors"

    def __init__(
        self,
        rules: RulesInUse,
        memory: Memory | None = None,
        settings: ErrorsSettings | None = None,
    ) -> None:
        self._rules = rules
        self._memory = memory or Memory()
        self._settings = settings
        # One that was switched on again begins with the rules that were prepared for it.
        rules.adopt()

    def start(self) -> None:
        """Begin to keep what is open in a file.

        Raises:
            RuntimeError: the system has no thread left.
        """
        if self._settings is not None:
            self._memory.open(self._settings)
            self._memory.start()

    def stop(self) -> None:
        """Keep what is open for the next start."""
        self._memory.stop()

    def reconfigure(self, config: Config) -> None:
        """Go over to the rules that were prepared for it, and to its file."""
        self._rules.adopt()
        self._memory.open(config.errors)

    def collect(self) -> Iterable[Metric]:
        """Yield the families of the rules, and of the file."""
        return *self._rules.collect(), self._memory.collect()
