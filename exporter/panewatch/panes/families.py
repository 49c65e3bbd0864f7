"""What the servers' threads published, as metric families."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain, repeat
from operator import attrgetter, is_
from typing import TypeAlias

from prometheus_client import Metric
from prometheus_client.samples import Sample

from panewatch.contract import MetricSpec
from panewatch.panes import contract as c
from panewatch.panes.accounts import PaneView
from panewatch.panes.commands.contract import (
    PANE_COMMAND_REPEATS,
    PANE_COMMAND_STARTED,
    PANE_COMMANDS,
    PANE_COMMANDS_FAILED,
)
from panewatch.panes.model import Identity
from panewatch.panes.published import Published

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
    (c.PANE_BLOCKED, "blocked"),
    (c.PANE_JOBS, "jobs"),
    (c.PANE_LOOPING, "looping"),
    (PANE_COMMANDS, "commands"),
    (PANE_COMMANDS_FAILED, "commands_failed"),
    (PANE_COMMAND_STARTED, "command_started"),
    (PANE_COMMAND_REPEATS, "command_repeats"),
)

_SERVER_SPECS = (
    c.PANES,
    c.PANES_DROPPED,
    c.PANES_VANISHED,
    c.SERVER_UP,
    c.SERVER_STATE,
    c.SERVER_LOST,
    c.CALLS_TOTAL,
    c.CALL_FAILURES,
    c.SWEEP_DURATION,
)

_PANE_ROW: Callable[[PaneView], tuple[float | None, ...]] = attrgetter(
    *(attribute for _, attribute in _PANE_VALUES)
)
_LABELS, _VALUE = attrgetter("labels"), attrgetter("value")

OTHER = "other"
"""The label value of a command that came too late."""

Labels: TypeAlias = dict[str, str]
Views: TypeAlias = Sequence[PaneView]
Known: TypeAlias = Mapping[str, Metric]


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


def build_families(
    published: Sequence[Published],
    commands: CommandNames,
    before: Iterable[Metric] = (),
    elsewhere: Collection[str] = (),
) -> Iterator[Metric]:
    """Yield the families of the ``panes`` domain.

    Panes of a server that cannot be read show only who they are and that their state
    is unknown. A family that is equal to one of ``before`` is that very object, and so is
    a sample that is equal to the one in its place there: this spares a runner the
    work on most of them. Families named in ``elsewhere`` are left for another collector.
    """
    known = {family.name: family for family in before}
    up, lost = (
        [view for server in servers for view in server.panes]
        for servers in (
            [server for server in published if server.state == "up"],
            [server for server in published if server.state != "up"],
        )
    )
    both = [*up, *lost]
    yield build_family(
        c.PANE_INFO, [_label_info(view, commands) for view in both], [1] * len(both), known
    )
    yield _build_each(c.PANE_STATE, c.STATES, both, _tell_state, known)
    yield _build_each(c.PANE_STATE_SECONDS, c.STATES, up, _tell_state_seconds, known)
    labels = [_label(view.identity) for view in up]
    columns = zip(*map(_PANE_ROW, up), strict=True) if up else repeat(())
    for (spec, _), column in zip(_PANE_VALUES, columns, strict=False):
        if None in column:
            present = [place for place, value in enumerate(column) if value is not None]
            yield build_family(
                spec, [labels[i] for i in present], [column[i] for i in present], known
            )
        else:
            yield build_family(spec, labels, list(column), known)
    yield _build_each(c.PANE_DEATHS, c.ENDS, up, _tell_deaths, known)
    yield from _build_waits(published, up, known)
    listed = [view for view in up if view.tasks is not None]
    yield _build_each(c.PANE_TASKS, c.TASKS, listed, _tell_tasks, known)
    yield from _build_servers(published, known)
    # Of a server that cannot be read, observers know nothing any more either.
    readable = (server for server in published if server.state == "up")
    told = (family for server in readable for family in server.families)
    for family in merge(family for family in told if family.name not in elsewhere):
        old = known.get(family.name)
        yield family if old is None or old.samples != family.samples else old


def build_family(
    spec: MetricSpec, labels: Sequence[Labels], values: Sequence[float], known: Known
) -> Metric:
    """Build a family of these series, or return the one in ``known`` where that is equal.

    ``known`` has families by their names. A sample whose labels are the very object that they
    were there, and whose value is the same, is the very object that it was.
    """
    name = spec.full_name
    old = known.get(_name_family(name))
    last: Sequence[Sample] = () if old is None else old.samples
    if len(last) == len(labels) and all(map(is_, map(_LABELS, last), labels)):
        if old is not None and list(map(_VALUE, last)) == values:
            return old
        samples = [
            sample if sample.value == value else Sample(name, sample.labels, value)
            for sample, value in zip(last, values, strict=True)
        ]
    else:
        samples = [Sample(name, *series) for series in zip(labels, values, strict=True)]
        if old is not None and last == samples:
            return old
    family = spec.family()
    family.samples = samples
    return family


def _name_family(name: str) -> str:
    """Return what a family is called, which is not always what its series are called."""
    return name.removesuffix("_total")


def _build_each(
    spec: MetricSpec,
    choices: tuple[str, ...],
    views: Views,
    tell: Callable[[PaneView], Iterable[float]],
    known: Known,
) -> Metric:
    """Build a family with a series for each of ``choices``, its last label, in each pane."""
    labels = _label_all(tuple([view.identity for view in views]), spec.labels[-1], choices)
    values = list(chain.from_iterable(map(tell, views)))
    return build_family(spec, labels, values, known)


@lru_cache(maxsize=8)
def _label_all(
    identities: tuple[Identity, ...], label: str, choices: tuple[str, ...]
) -> list[Labels]:
    """Return the labels of the series of all these panes: mostly they are the same ones."""
    return [each for identity in identities for each in _label_each(identity, label, choices)]


_ZEROS = [0.0] * len(c.STATES)
_SHOWN = {state: [float(state == each) for each in c.STATES] for state in c.STATES}


def _tell_state(view: PaneView) -> Iterable[float]:
    return _SHOWN[view.state]


def _tell_state_seconds(view: PaneView) -> Iterable[float]:
    return map(view.state_seconds.get, c.STATES, _ZEROS)


_NO_DEATHS = [0.0] * len(c.ENDS)


def _tell_deaths(view: PaneView) -> Iterable[float]:
    deaths = view.deaths
    return [deaths.get(end, 0) for end in c.ENDS] if deaths else _NO_DEATHS


@lru_cache(maxsize=4096)
def _label(identity: Identity) -> Labels:
    """Return the labels of a pane: shared by all its samples, and never changed."""
    return dict(zip(c.PANE, identity, strict=True))


def _tell_tasks(view: PaneView) -> Iterable[float]:
    return view.tasks or ()


def _build_waits(published: Sequence[Published], up: Views, known: Known) -> Iterator[Metric]:
    """Build the families of who waits for a person now, and of the waits that ended."""
    waiting = [(view.identity, view.wait) for view in up if view.wait is not None]
    labels = [_label_each(identity, "kind", (wait.kind,))[0] for identity, wait in waiting]
    yield build_family(
        c.PANE_WAITING_SINCE, labels, [wait.since_time for _, wait in waiting], known
    )
    old = known.get(_name_family(c.PANE_WAIT.full_name))
    samples = [sample for server in published for sample in server.waits]
    if old is not None and old.samples == samples:
        yield old
        return
    family = c.PANE_WAIT.family()
    family.samples = samples
    yield family


def _label_info(view: PaneView, commands: CommandNames) -> Labels:
    program = view.program
    return _label_program(view.identity, view.pane_id, commands.admit(program.command),
                          program.agent, program.kind)  # fmt: skip


@lru_cache(maxsize=4096)
def _label_program(identity: Identity, pane_id: str, command: str, agent: str, kind: str) -> Labels:
    more = {"pane_id": pane_id, "command": command, "agent": agent, "kind": kind}
    return _label(identity) | more


@lru_cache(maxsize=8192)
def _label_each(identity: Identity, label: str, choices: tuple[str, ...]) -> tuple[Labels, ...]:
    """Return the labels of the series for each of a closed set, shared as above."""
    return tuple(_label(identity) | {label: choice} for choice in choices)


def merge(families: Iterable[Metric]) -> Iterator[Metric]:
    """Join families of the same name, as the observers of several servers yield them.

    One that has no other beside it is yielded as it is.
    """
    merged: dict[str, list[Metric]] = {}
    for family in families:
        merged.setdefault(family.name, []).append(family)
    for same in merged.values():
        told = [family for family in same if family.samples] or same[:1]
        if len(told) == 1:
            yield told[0]
            continue
        first = told[0]
        joined = Metric(first.name, first.documentation, first.type, first.unit)
        joined.samples = [sample for family in told for sample in family.samples]
        yield joined


def _build_servers(published: Sequence[Published], known: Known) -> Iterator[Metric]:
    labels: dict[str, list[Labels]] = {spec.name: [] for spec in _SERVER_SPECS}
    values: dict[str, list[float]] = {spec.name: [] for spec in _SERVER_SPECS}

    def add(spec: MetricSpec, value: float, **pairs: str) -> None:
        labels[spec.name].append(pairs)
        values[spec.name].append(float(value))

    for server in published:
        name, up = server.server, server.state == "up"
        if up:
            add(c.PANES, len(server.panes), server=name)
            add(c.PANES_DROPPED, server.dropped, server=name)
        add(c.PANES_VANISHED, server.vanished, server=name)
        add(c.SERVER_UP, up, server=name)
        if server.loss is not None:
            add(c.SERVER_LOST, server.loss.panes, server=name)
        for state in c.SERVER_STATES:
            add(c.SERVER_STATE, state == server.state, server=name, state=state)
            if state != "up":
                add(c.CALL_FAILURES, server.failures.get(state, 0), server=name, reason=state)
        for call in c.CALLS:
            add(c.CALLS_TOTAL, server.calls.get(call, 0), server=name, call=call)
        if server.sweep_seconds is not None:
            add(c.SWEEP_DURATION, server.sweep_seconds, server=name)
    for spec in _SERVER_SPECS:
        yield build_family(spec, labels[spec.name], values[spec.name], known)
