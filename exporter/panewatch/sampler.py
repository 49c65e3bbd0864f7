"""One collector's sampling: its thread, its interval, its timeout and what became of it."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import structlog

from panewatch.collector import SourceUnavailable, Startable
from panewatch.exposition import InvalidFamilyError, render
from panewatch.health import Record, State
from panewatch.snapshot import Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType

    from prometheus_client.core import Metric

    from panewatch.collector import Collector
    from panewatch.config import CollectorSettings
    from panewatch.exposition import Rendered

SHARE: Final = 20
"""A sampler uses at most one part in this many of a core's time."""

_log = structlog.get_logger()


@dataclass(frozen=True)
class Clock:
    """Where a sampler reads time; all in seconds. Only `wall` may jump."""

    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    cpu: Callable[[], float] = time.thread_time


class Names:
    """Who may use which series names: whoever used one first, for good."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owners: dict[str, str] = {}

    def claim(self, owner: str, names: Iterable[str]) -> bool:
        """Take all the names for the owner; False, and none taken, where one is another's."""
        wanted = tuple(names)
        with self._lock:
            if any(self._owners.get(name, owner) != owner for name in wanted):
                return False
            self._owners.update(dict.fromkeys(wanted, owner))
            return True


class _GivenUpError(Exception):
    """The sample has run into its timeout while it still yields families."""


class Sampler:
    """Samples one collector again and again in a thread of its own.

    A call that hangs holds only this thread: it is noticed by whoever asks for the
    state, and there is never a second call beside it.
    """

    def __init__(
        self,
        collector: Collector,
        settings: CollectorSettings,
        record: Record,
        names: Names,
        clock: Clock,
    ) -> None:
        self.collector = collector
        self.name = collector.name
        self.record = record
        self._settings = settings
        self._names = names
        self._clock = clock
        self._lock = threading.Lock()
        self._nothing = Snapshot()
        self._rendered: dict[str, tuple[Metric, Rendered]] = {}
        """The families of the last sample by name, and how they were rendered."""
        self._state = State(self._nothing)
        self._begun: float | None = None
        self._given_up = False
        self._started = False
        self._stopping = False
        self._wake = threading.Event()
        self._sampled = threading.Event()
        self._thread = threading.Thread(
            target=self._run, name=f"panewatch-{self.name}", daemon=True
        )

    @property
    def settings(self) -> CollectorSettings:
        """The interval and the timeout; new ones hold from the next sample on."""
        return self._settings

    @settings.setter
    def settings(self, settings: CollectorSettings) -> None:
        if settings != self._settings:
            self._settings = settings
            self._wake.set()

    def start(self) -> None:
        """Start sampling.

        Raises:
            RuntimeError: the system has no thread left.
        """
        self._thread.start()

    def request_stop(self) -> None:
        """Ask the thread to end; does not wait."""
        self._stopping = True
        self._wake.set()

    def join(self, timeout: float) -> bool:
        """Wait until the thread has ended; tell whether it did within the timeout."""
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def is_sampled(self) -> bool:
        """Tell whether a first sample ended, well or not, or was given up."""
        return self._sampled.is_set() or self._is_overdue()

    def state(self) -> State:
        """Tell how things are now. While a sample is overdue there is nothing to show."""
        if self._is_overdue():
            begun = self._begun
            so_far = None if begun is None else self._clock.monotonic() - begun
            return State(self._nothing, success=False, duration=so_far)
        return self._state

    def sample(self) -> float:
        """Take one sample now; give the CPU time it took, in seconds."""
        begun, cpu_before = self._clock.monotonic(), self._clock.cpu()
        with self._lock:
            self._begun, self._given_up = begun, False
        families, reasons = self._collect()
        before = self._state.snapshot
        if before.holds(families):
            snapshot = before
        else:
            snapshot = Snapshot(families)
            snapshot.prepare_like(before)
        with self._lock:
            duration = self._clock.monotonic() - begun
            noticed = self._given_up
            late = self._give_up_if_overdue()
            if not late:
                for reason in reasons:
                    self.record.errors[reason] += 1
            success = not late and not reasons
            if success:
                self.record.last_success = self._clock.wall()
            recovered = success and self._state.success is False
            self._state = State(self._nothing if late else snapshot, success, duration)
            self._begun = None
        if late and not noticed:
            self._warn_timeout()
        self._sampled.set()
        if recovered:
            _log.info("collector recovered", collector=self.name)
        return self._clock.cpu() - cpu_before

    def _collect(self) -> tuple[list[Rendered], set[str]]:
        """Render what the collector yields; tell for which reasons the sample failed."""
        families: list[Rendered] = []
        reasons: set[str] = set()
        try:
            if not self._started:
                if isinstance(self.collector, Startable):
                    self.collector.start()
                self._started = True
            taken: set[str] = set()
            known, self._rendered = self._rendered, {}
            for metric in self.collector.collect():
                if self._is_overdue():
                    raise _GivenUpError  # noqa: TRY301 - one place decides what a failure means
                self._admit(metric, known, families, taken, reasons)
        except _GivenUpError:
            pass
        except SourceUnavailable as error:
            reasons.add("unavailable")
            self._warn("unavailable", detail=error.reason)
        except BaseException as error:  # noqa: BLE001 - a collector may fail in any way, alone
            reasons.add("raised")
            # The message could hold what the collector read: only what and where.
            self._warn("raised", error=type(error).__name__, at=_place(error.__traceback__))
            _log.debug("collector raised", collector=self.name, message=str(error), repeat=True)
        return families, reasons

    def _admit(
        self,
        metric: Metric,
        known: dict[str, tuple[Metric, Rendered]],
        families: list[Rendered],
        taken: set[str],
        reasons: set[str],
    ) -> None:
        """Take a family in as far as it is valid and nobody else has its names."""
        try:
            before = known.get(metric.name)
            # The very same object as in the sample before is unchanged: that is agreed.
            unchanged = before is not None and before[0] is metric
            rendered = before[1] if before and unchanged else render(metric, before)
        except (InvalidFamilyError, AttributeError, TypeError):
            reasons.add("invalid")
            self._warn("invalid", detail="family has no valid name or type")
            return
        if not taken.isdisjoint(rendered.names) or not (
            unchanged or self._names.claim(self.name, rendered.names)
        ):
            reasons.add("invalid")
            self._warn("invalid", detail="family was exported already", family=metric.name)
            return
        if rendered.dropped:
            reasons.add("invalid")
            self._warn(
                "invalid", detail="series left out", family=metric.name, series=rendered.dropped
            )
        taken |= rendered.names
        families.append(rendered)
        self._rendered[metric.name] = (metric, rendered)

    def _is_overdue(self) -> bool:
        """Tell whether the running sample is past its timeout; count that once."""
        with self._lock:
            noticed = self._given_up
            overdue = self._give_up_if_overdue()
        if overdue and not noticed:
            self._warn_timeout()
        return overdue

    def _give_up_if_overdue(self) -> bool:
        """Do what `_is_overdue` says; the lock is held."""
        if self._begun is None:
            return False
        if self._given_up:
            return True
        if self._clock.monotonic() - self._begun > self._settings.timeout:
            self._given_up = True
            self.record.errors["timeout"] += 1
        return self._given_up

    def _warn_timeout(self) -> None:
        self._warn("timeout", timeout=self._settings.timeout)

    def _warn(self, reason: str, **details: object) -> None:
        _log.warning("collector failed", collector=self.name, reason=reason, **details)

    def _run(self) -> None:
        while not self._stopping:
            begun = self._clock.monotonic()
            cpu = self.sample()
            self._wake.wait(
                pause_after(self._clock.monotonic() - begun, cpu, self._settings.interval)
            )
            self._wake.clear()
        if self._started and isinstance(self.collector, Startable):
            try:
                self.collector.stop()
            except Exception as error:  # noqa: BLE001 - nobody is left to handle it
                self._warn("raised", error=type(error).__name__, at=_place(error.__traceback__))


def pause_after(duration: float, cpu: float, interval: float) -> float:
    """Give the seconds to rest after a sample that took `duration`, of which `cpu` computing.

    Samples begin an interval apart. One that was slow is followed by as long a rest,
    an interval at most, and the share of a core stays within one part in `SHARE`. A
    time that was slept through is not made up for.
    """
    return max(interval - duration, min(duration, interval), SHARE * cpu - duration)


def _place(traceback: TracebackType | None) -> str:
    """Give the innermost place of an error, as module and line."""
    place = ""
    while traceback is not None:
        place = f"{traceback.tb_frame.f_globals.get('__name__', '?')}:{traceback.tb_lineno}"
        traceback = traceback.tb_next
    return place
