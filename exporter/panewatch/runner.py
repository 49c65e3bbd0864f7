"""Runs the collectors, keeps them apart, and joins what they show to one exposition."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

import structlog

from panewatch.collector import Collector, SourceUnavailable, Startable
from panewatch.exposition import render
from panewatch.health import Record, State, describe_health
from panewatch.sampler import Clock, Names, Sampler
from panewatch.snapshot import Format, Joiner, Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from prometheus_client.core import Metric

    from panewatch.config import CollectorSettings
    from panewatch.exposition import Rendered

__all__ = ["Clock", "Collector", "Runner", "SourceUnavailable", "Startable"]

_POLL: Final = 0.01  # how often a first sample is waited for
_SHARED_FOR: Final = 0.05  # scrapers that come within this time may get the same answer
_OWNER: Final = ""  # the runner itself, among the owners of names

_log = structlog.get_logger()


class Runner:
    """Samples each collector in a thread of its own and answers for all of them.

    Args:
        collectors: Each collector with its settings, in the order of exposition; those
            that are not enabled are left out.
        extra: Gives the families about panewatch that are no collector's, such as those
            of the HTTP server; asked anew for each exposition.
        clock: Where time is read.
    """

    def __init__(
        self,
        collectors: Sequence[tuple[Collector, CollectorSettings]],
        *,
        extra: Callable[[], Iterable[Metric]] = tuple,
        clock: Clock | None = None,
    ) -> None:
        self._clock = clock or Clock()
        self._extra = extra
        self._names = Names()
        self._records: dict[str, Record] = {}
        for family in describe_health(()):
            self._names.claim(_OWNER, render(family).names)
        self._samplers: tuple[Sampler, ...] = ()
        self._samplers = self._build(collectors)
        self._joiner = Joiner()
        self._lock = threading.Lock()
        self._answers: dict[Format, tuple[tuple[Snapshot, ...], float, bytes]] = {}

    def start(self) -> None:
        """Start sampling.

        Raises:
            RuntimeError: the system has no thread left; none of ours is left running.
        """
        self._start(self._samplers)

    def stop(self, timeout: float) -> bool:
        """End sampling; tell whether all collectors ended within the timeout.

        A collector that hangs is left behind in its daemon thread. The last snapshots
        can still be read.
        """
        return self._stop(self._samplers, timeout)

    def ready(self) -> bool:
        """Tell whether each collector was sampled once, well or not, or timed out."""
        return all(sampler.is_sampled() for sampler in self._samplers)

    def sample_once(self) -> bool:
        """Sample each collector at least once and end; tell whether all succeeded.

        Takes as long as the slowest collector, at most its timeout.
        """
        self.start()
        self._wait_for(self._samplers, lambda: False)
        succeeded = all(sampler.state().success for sampler in self._samplers)
        self.stop(timeout=1.0)
        return succeeded

    def replace(
        self,
        collectors: Sequence[tuple[Collector, CollectorSettings]],
        *,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        """Go over to other collectors, all at once.

        A collector that is running already goes on, with its new settings. The others
        are sampled once before the exposition shows them, and only then are those that
        are no longer wanted stopped. What is counted by collector name goes on.

        Args:
            collectors: As for the constructor.
            cancelled: Ends the wait for first samples early when it gives True.

        Raises:
            RuntimeError: the system has no thread left; nothing has changed.
        """
        before = self._samplers
        after = self._build(collectors)
        added = [sampler for sampler in after if sampler not in before]
        self._start(added)
        self._wait_for(added, cancelled)
        settings = {id(collector): of_collector for collector, of_collector in collectors}
        for sampler in after:
            sampler.settings = settings[id(sampler.collector)]
        self._samplers = after
        self._stop([sampler for sampler in before if sampler not in after], timeout=1.0)

    def exposition(self, openmetrics: bool, gzip: bool) -> bytes:
        """Give everything there is to show, as one answer to a scraper.

        Never raises and never waits for a collector. Each snapshot is rendered once
        per format, whoever asks, and scrapers that come at the same time share one
        answer. May be called from any thread.
        """
        wanted = Format(openmetrics, gzip)
        with self._lock:
            states = [(sampler, sampler.state()) for sampler in self._samplers]
            shown = tuple(state.snapshot for _, state in states)
            now = self._clock.monotonic()
            before, made, answer = self._answers.get(wanted, ((), 0.0, b""))
            if not answer or before != shown or not 0 <= now - made < _SHARED_FOR:
                tail = self._render_own(states)
                answer = self._joiner.join((*shown, tail), wanted)
                self._answers[wanted] = (shown, now, answer)
            return answer

    def _build(
        self, collectors: Sequence[tuple[Collector, CollectorSettings]]
    ) -> tuple[Sampler, ...]:
        running = {id(sampler.collector): sampler for sampler in self._samplers}
        return tuple(
            running.get(id(collector))
            or Sampler(
                collector,
                settings,
                self._records.setdefault(collector.name, Record()),
                self._names,
                self._clock,
            )
            for collector, settings in collectors
            if settings.enabled
        )

    def _start(self, samplers: Sequence[Sampler]) -> None:
        try:
            for sampler in samplers:
                sampler.start()
        except RuntimeError:
            self._stop(samplers, timeout=1.0)
            raise

    def _stop(self, samplers: Sequence[Sampler], timeout: float) -> bool:
        for sampler in samplers:
            sampler.request_stop()
        deadline = self._clock.monotonic() + timeout
        ended = [sampler.join(max(0.0, deadline - self._clock.monotonic())) for sampler in samplers]
        return all(ended)

    @staticmethod
    def _wait_for(samplers: Sequence[Sampler], cancelled: Callable[[], bool]) -> None:
        pause = threading.Event()
        while not cancelled() and not all(sampler.is_sampled() for sampler in samplers):
            pause.wait(_POLL)

    def _render_own(self, states: Sequence[tuple[Sampler, State]]) -> Snapshot:
        """Render what is told about panewatch itself; never raises."""
        health = [(sampler.name, state, sampler.record) for sampler, state in states]
        rendered = [render(family) for family in describe_health(health)]
        try:
            for family in self._extra():
                self._admit(render(family), rendered)
        except Exception as error:  # noqa: BLE001 - the collectors' part is shown regardless
            _log.error("own metrics failed", error=type(error).__name__)
        return Snapshot(rendered)

    def _admit(self, family: Rendered, rendered: list[Rendered]) -> None:
        taken = any(family.names & other.names for other in rendered)
        if taken or not self._names.claim(_OWNER, family.names):
            _log.error("own metrics failed", error="family was exported already")
        else:
            rendered.append(family)
