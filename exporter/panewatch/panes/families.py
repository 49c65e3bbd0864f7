"""What the servers' threads published, as metric families."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import TypeAlias

from prometheus_client import Metric
from prometheus_client.samples import Sample

from panewatch.contract import MetricSpec
from panewatch.panes import contract as c
from panewatch.panes.model import Identity
from panewatch.panes.published import Published
from panewatch.panes.tracked import PaneView

_PANE_VALUES: tuple[tuple[MetricSpec, str], ...] = (
    (c.PANE_LAST_OUTPUT, "last_output"),
    (c.PANE_LINES, "lines"),
    (c.PANE_GAPS, "gaps"),
    (c.PANE_LINES_MISSED, "missed"),
    (c.PANE_OVERFLOWS, "overflows"),
    (c.PANE_LINES_TRUNCATED, "truncated"),
    (c.PANE_CAPTURES, "captures"),
    (c.PANE_CAPTURE_FAILURES, "failures"),
    (c.PANE_SAMPLE_INTERVAL, "interval"),
    (c.PANE_CPU, "cpu_seconds"),
    (c.PANE_MEMORY, "memory_bytes"),
    (c.PANE_PROCESSES, "processes"),
    (c.PANE_READ, "read_bytes"),
    (c.PANE_WRITTEN, "written_bytes"),
    (c.PANE_EXIT_STATUS, "exit_status"),
    (c.PANE_EXIT_SIGNAL, "exit_signal"),
)

_SERVER_SPECS = (
    c.PANES,
    c.PANES_DROPPED,
    c.PANES_VANISHED,
    c.SERVER_UP,
    c.SERVER_STATE,
    c.CALLS_TOTAL,
    c.CALL_FAILURES,
    c.SWEEP_DURATION,
)

OTHER = "other"
"""The label value of a command that came too late."""

Labels: TypeAlias = dict[str, str]
Views: TypeAlias = Sequence[tuple[PaneView, Labels]]


class CommandNames:
    """Commands as label values: a program may call itself anything, again and again.

    The first ``most`` different ones keep their names for good, those after them are
    ``other``.
    """

    def __init__(self, most: int = c.MOST_COMMANDS) -> None:
        self._most = most
        self._known: set[str] = set()

    def admit(self, command: str) -> str:
        """Return the label value of a command."""
        if command not in self._known:
            if len(self._known) >= self._most:
                return OTHER
            self._known.add(command)
        return command


def build_families(published: Sequence[Published], commands: CommandNames) -> Iterator[Metric]:
    """Yield the families of the ``panes`` domain.

    Panes of a server that cannot be read show only who they are and that their state
    is unknown.
    """
    up, lost = (
        [
            (view, _label(view.identity))
            for server in published
            if (server.state == "up") is readable
            for view in server.panes
        ]
        for readable in (True, False)
    )
    yield _build_info([*up, *lost], commands)
    yield _build_states([*up, *lost])
    yield _build_state_seconds(up)
    for spec, attribute in _PANE_VALUES:
        family = spec.family()
        for view, labels in up:
            value = getattr(view, attribute)
            if value is not None:
                _add(family, spec, labels, value)
        yield family
    yield _build_deaths(up)
    yield from _build_servers(published)
    yield from merge(family for server in published for family in server.families)


@lru_cache(maxsize=4096)
def _label(identity: Identity) -> Labels:
    """Return the labels of a pane: shared by all its samples, and never changed."""
    return dict(zip(c.PANE, identity, strict=True))


@lru_cache(maxsize=8192)
def _label_each(
    identity: Identity, label: str, values: tuple[str, ...]
) -> tuple[tuple[str, Labels], ...]:
    """Return each value of a closed set with the labels of its series, shared as above."""
    return tuple((value, _label(identity) | {label: value}) for value in values)


def _add(family: Metric, spec: MetricSpec, labels: Labels, value: float) -> None:
    """Add a sample; ``labels`` may be shared, nobody changes them."""
    family.samples.append(Sample(spec.full_name, labels, value))


def keep_unchanged(before: Sequence[Metric], now: Iterable[Metric]) -> Iterator[Metric]:
    """Yield the families of ``now``, and the very object of ``before`` where they are equal.

    That spares the work on most of them: a runner keeps the text of the same object.
    """
    known = {family.name: family for family in before}
    for family in now:
        old = known.get(family.name)
        yield family if old is None or old.samples != family.samples else old


def merge(families: Iterable[Metric]) -> Iterator[Metric]:
    """Join families of the same name, as the observers of several servers yield them."""
    merged: dict[str, Metric] = {}
    for family in families:
        known = merged.get(family.name)
        if known is None:
            known = Metric(family.name, family.documentation, family.type, family.unit)
            merged[family.name] = known
        known.samples.extend(family.samples)
    yield from merged.values()


def _build_info(views: Views, commands: CommandNames) -> Metric:
    family = c.PANE_INFO.family()
    for view, labels in views:
        program = view.program
        _add(family, c.PANE_INFO, labels | {
            "pane_id": view.pane_id,
            "command": commands.admit(program.command),
            "agent": program.agent,
            "kind": program.kind,
        }, 1)  # fmt: skip
    return family


def _build_states(views: Views) -> Metric:
    family = c.PANE_STATE.family()
    for view, _ in views:
        for state, with_state in _label_each(view.identity, "state", c.STATES):
            _add(family, c.PANE_STATE, with_state, float(state == view.state))
    return family


def _build_state_seconds(views: Views) -> Metric:
    family = c.PANE_STATE_SECONDS.family()
    for view, _ in views:
        for state, with_state in _label_each(view.identity, "state", c.STATES):
            seconds = view.state_seconds.get(state, 0.0)
            _add(family, c.PANE_STATE_SECONDS, with_state, seconds)
    return family


def _build_deaths(views: Views) -> Metric:
    family = c.PANE_DEATHS.family()
    for view, _ in views:
        for result, with_result in _label_each(view.identity, "result", c.ENDS):
            _add(family, c.PANE_DEATHS, with_result, view.deaths.get(result, 0))
    return family


def _build_servers(published: Sequence[Published]) -> Iterator[Metric]:
    families = {spec: spec.family() for spec in _SERVER_SPECS}

    def add(spec: MetricSpec, value: float, **labels: str) -> None:
        _add(families[spec], spec, labels, float(value))

    for server in published:
        name, up = server.server, server.state == "up"
        if up:
            add(c.PANES, len(server.panes), server=name)
            add(c.PANES_DROPPED, server.dropped, server=name)
        add(c.PANES_VANISHED, server.vanished, server=name)
        add(c.SERVER_UP, up, server=name)
        for state in c.SERVER_STATES:
            add(c.SERVER_STATE, state == server.state, server=name, state=state)
            if state != "up":
                add(c.CALL_FAILURES, server.failures.get(state, 0), server=name, reason=state)
        for call in c.CALLS:
            add(c.CALLS_TOTAL, server.calls.get(call, 0), server=name, call=call)
        if server.sweep_seconds is not None:
            add(c.SWEEP_DURATION, server.sweep_seconds, server=name)
    yield from families.values()
