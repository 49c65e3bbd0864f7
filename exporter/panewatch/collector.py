"""What a collector is."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client.core import Metric

    from panewatch.config import Config


class Collector(Protocol):
    """Something that yields metric families: a prometheus_client collector with a name.

    All calls of one collector come from one thread, one at a time.
    """

    name: ClassVar[str]

    def collect(self) -> Iterable[Metric]:
        """Yield the families as they are now, each built afresh.

        A collector may yield the very objects of the call before (families, samples, labels),
        and says by that that nothing in them has changed.

        Raises:
            SourceUnavailable: the source is absent or refuses; families that were
                yielded before it are kept.
        """
        ...


@runtime_checkable
class Startable(Protocol):
    """A collector that has something to do before its first sample and after its last."""

    def start(self) -> None:
        """Get ready. Called again before the next sample when it raised."""
        ...

    def stop(self) -> None:
        """Release everything. Not called where `start` never succeeded."""
        ...


@runtime_checkable
class Reconfigurable(Protocol):
    """A collector that goes over to another configuration and loses nothing by it."""

    def reconfigure(self, config: Config) -> None:
        """Go by `config` from the next sample on.

        Comes from another thread than the samples; neither waits nor raises. What can
        still fail then leaves the collector with the configuration that it has, and
        shows as a failed sample.
        """
        ...


class SourceUnavailable(Exception):  # noqa: N818 - a condition that is expected, not an error
    """The source of a collector is absent or refuses.

    `reason` goes to the log: a fixed phrase that holds no data from the source.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
