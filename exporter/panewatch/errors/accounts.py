"""What was counted for each place of one server, and the samples that say it.

Counters belong to the place (session, window, pane index), not to the pane: when panes
swap places no series falls. Samples are built again only for places where something
changed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from prometheus_client import Metric
from prometheus_client.samples import Sample

from panewatch.contract import MetricSpec
from panewatch.errors import contract as c
from panewatch.errors.incident import Incident, Outcome
from panewatch.errors.rule import FRICTIONS, SEVERITIES, Category, Friction, Rule, Severity
from panewatch.errors.rulebook import Rulebook
from panewatch.histogram import Histogram
from panewatch.panes.contract import PANE
from panewatch.panes.model import Identity

_PLACE_SPECS = (
    c.PANE_ERROR_LINES,
    c.PANE_NOISE_LINES,
    c.PANE_UNCLASSIFIED,
    c.PANE_INCIDENTS,
    c.PANE_INCIDENTS_OPEN,
    c.INCIDENT_OPEN,
    c.INCIDENT_OPENED,
    c.FRICTION,
    c.TRANSFER_RATE,
)

Kind = tuple[Severity, Category]
Samples = dict[MetricSpec, list[Sample]]


@dataclass(slots=True)
class Account:
    """The counters of one place."""

    error_lines: int = 0
    noise_lines: int = 0
    unclassified_lines: int = 0
    incidents: Counter[Severity] = field(default_factory=Counter)
    friction: Counter[Friction] = field(default_factory=Counter)
    open: tuple[Incident, ...] = ()
    rate: float | None = None
    left: bool = False
    """Whether no pane stands there: its counters are kept for one that comes, and not shown."""

    samples: Samples | None = None


class Accounts:
    """The places of one server."""

    def __init__(self) -> None:
        self._places: dict[Identity, Account] = {}
        self._server = ""
        self._opened: Counter[Kind] = Counter()
        self._resolved: Counter[Outcome] = Counter()
        self._kinds: tuple[Kind, ...] = ()
        self._recovery: dict[Kind, Histogram] = {}
        self._families: tuple[Metric, ...] | None = None

    def __getitem__(self, identity: Identity) -> Account:
        return self._places[identity]

    def open(self, identity: Identity, rulebook: Rulebook) -> Account:
        """Return the counters of a place, new ones if there are none yet."""
        account = self._places.get(identity)
        if account is None:
            account = self._places[identity] = Account()
            self._families = None
        elif account.left:
            account.left = False
            account.samples = self._families = None
        if identity.server != self._server:
            self._server = identity.server
            self._families = None
        if self._kinds is not rulebook.kinds:
            self._kinds = rulebook.kinds
            self._families = None
            for kind in rulebook.kinds:
                self._opened.setdefault(kind, 0)
                self._recovery.setdefault(kind, Histogram(c.RECOVERY_BUCKETS))
        return account

    def count(self, identity: Identity, rule: Rule) -> None:
        """Count an incident that ``rule`` opened in a place."""
        account = self._places[identity]
        account.incidents[rule.severity] += 1
        self._opened[rule.severity, rule.category] += 1
        account.samples = self._families = None

    def move(self, before: Identity, identity: Identity) -> bool:
        """Take the counters of a place along to another one that has none; tell whether."""
        if identity in self._places or before not in self._places:
            return False
        account = self._places[identity] = self._places.pop(before)
        account.samples = self._families = None
        return True

    def leave(self, identity: Identity) -> None:
        """Show a place no more, and keep its counters: no series may fall when it comes back."""
        account = self._places.get(identity)
        if account is not None:
            account.left, account.open, account.rate = True, (), None
            account.samples = self._families = None

    def close(self, identity: Identity) -> None:
        """Forget a place where no pane is any more."""
        if self._places.pop(identity, None) is not None:
            self._families = None

    def show(self, identity: Identity, opened: Iterable[Incident], rate: float | None) -> None:
        """Note that something changed in a place: these are its open incidents now."""
        account = self._places.get(identity)
        if account is not None:
            account.open, account.rate = tuple(opened), rate
            account.samples = self._families = None

    def resolve(self, incident: Incident, outcome: Outcome, now: float) -> None:
        """Count an incident that ended at monotonic time ``now``."""
        self._resolved[outcome] += 1
        self._families = None
        if outcome == "success":
            kind = incident.rule.severity, incident.rule.category
            seconds = max(0.0, now - incident.opened)
            recovery = self._recovery.setdefault(kind, Histogram(c.RECOVERY_BUCKETS))
            recovery.observe(seconds)

    def collect(self) -> tuple[Metric, ...]:
        """Return the families; the same objects as before while nothing changed."""
        if self._families is None:
            self._families = tuple(self._build())
        return self._families

    def _build(self) -> Iterator[Metric]:
        parts: list[Samples] = []
        for identity, account in self._places.items():
            if account.left:
                continue
            if account.samples is None:
                account.samples = _sample(identity, account)
            parts.append(account.samples)
        for spec in _PLACE_SPECS:
            family = spec.family()
            for part in parts:
                family.samples.extend(part[spec])
            yield family
        yield self._build_opened()
        resolved = c.INCIDENTS_RESOLVED.family()
        if self._server:
            for outcome in c.OUTCOMES:
                resolved.add_sample(
                    c.INCIDENTS_RESOLVED.full_name,
                    {"server": self._server, "outcome": outcome},
                    float(self._resolved[outcome]),
                )
        yield resolved
        yield self._build_recovery()

    def _build_opened(self) -> Metric:
        family = c.INCIDENTS.family()
        # What was counted under rules that are gone stays, so that no counter vanishes.
        for (severity, category), number in self._opened.items():
            labels = {"server": self._server, "severity": severity, "category": category}
            family.add_sample(c.INCIDENTS.full_name, labels, float(number))
        return family

    def _build_recovery(self) -> Metric:
        family = c.INCIDENT_RECOVERY.family()
        for (severity, category), recovery in self._recovery.items():
            labels = {"server": self._server, "severity": severity, "category": category}
            family.samples.extend(recovery.sample(c.INCIDENT_RECOVERY.full_name, labels))
        return family


def _sample(identity: Identity, account: Account) -> Samples:
    labels = dict(zip(PANE, identity, strict=True))
    samples: Samples = {spec: [] for spec in _PLACE_SPECS}

    def add(spec: MetricSpec, value: float, **more: str) -> None:
        samples[spec].append(Sample(spec.full_name, labels | more, float(value)))

    add(c.PANE_ERROR_LINES, account.error_lines)
    add(c.PANE_NOISE_LINES, account.noise_lines)
    add(c.PANE_UNCLASSIFIED, account.unclassified_lines)
    for severity in SEVERITIES:
        add(c.PANE_INCIDENTS, account.incidents[severity], severity=severity)
    bad = Counter(incident.severity for incident in account.open)
    for severity in SEVERITIES:
        add(c.PANE_INCIDENTS_OPEN, bad[severity], severity=severity)
    _sample_open(account.open, add)
    for kind in FRICTIONS:
        add(c.FRICTION, account.friction[kind], kind=kind)
    if account.rate is not None:
        add(c.TRANSFER_RATE, account.rate)
    return samples


def _sample_open(incidents: Iterable[Incident], add: Callable[..., None]) -> None:
    """Add one series for each rule with open incidents: their number, and since when."""
    numbers: Counter[tuple[str, Severity, Category]] = Counter()
    since: dict[str, float] = {}
    for incident in incidents:
        rule = incident.rule
        numbers[rule.id, incident.severity, rule.category] += 1
        since[rule.id] = min(since.get(rule.id, incident.opened_at), incident.opened_at)
    for (name, severity, category), number in numbers.items():
        add(c.INCIDENT_OPEN, number, rule=name, severity=severity, category=category)
    for name, opened_at in since.items():
        add(c.INCIDENT_OPENED, opened_at, rule=name)
