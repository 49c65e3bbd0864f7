"""The running exporter: collectors, HTTP server, reload and end."""

from __future__ import annotations

import platform
import sys
import time
from typing import TYPE_CHECKING, Final

import structlog

from panewatch import __version__, logs, memory_use, web_config
from panewatch.collector import Collector, Reconfigurable
from panewatch.contract import BUILD_INFO, CONFIG_RELOAD_SUCCESSFUL, CONFIG_RELOAD_TIME
from panewatch.errors.state_file import OFF
from panewatch.problems import ProblemsError, check_all
from panewatch.registry import Entry, list_collectors, prepare
from panewatch.rhythm import Rhythm
from panewatch.runner import Runner
from panewatch.server import Server
from panewatch.signals import Signals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from prometheus_client.core import Metric

    from panewatch.config import CollectorSettings, Config

# SIGTERM has 5 s in all; a collector may wait out a call that has a timeout of its own.
_END: Final = 3.0
_ANSWERS_END: Final = 2.0
_LEAST_END: Final = 0.2

_MOST_TOLD: Final = 20
"""Problems of a configuration that are logged, each on a line."""

# Seconds for which one thread may compute while another one waits.
_TURN: Final = 0.001

_log = structlog.get_logger()


class Service:
    """Samples, serves, and follows its configuration until it is told to stop.

    Args:
        config: The configuration to begin with.
        reread: Reads the configuration again, for a reload.
        entries: The collectors that there are; all of panewatch's where left out.

    Raises:
        ProblemsError: `web.config_file` or a file of rules cannot be used.
    """

    def __init__(
        self,
        config: Config,
        reread: Callable[[], Config],
        entries: Sequence[Entry] | None = None,
    ) -> None:
        self._config = config
        self._reread = reread
        self._rhythm = Rhythm()
        self._entries = list_collectors(self._rhythm.is_near) if entries is None else entries
        self._reload_succeeded = True
        self._reload_time = time.time()
        self._signals = Signals()
        self._collectors: dict[str, Collector] = {}
        self._prepare(config)
        self._collectors = self._choose(config)
        self._runner = Runner(self._pair(config, self._collectors), extra=self._describe)
        self._server = Server(
            config.web,
            exposition=self._answer,
            ready=self._runner.ready,
            version=__version__,
        )

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of the HTTP server, once it was started."""
        return self._server.address

    def run(self) -> int:
        """Serve until SIGTERM or SIGINT; reload on SIGHUP. Only for the main thread.

        Returns:
            The exit code: 0.

        Raises:
            ListenError: the address cannot be listened on; nothing was started.
            RuntimeError: the system has no thread left.
        """
        # A scrape takes its turn from a sampler that computes several times; at Python's
        # usual 5 ms for each, a thousand panes would make it wait.
        sys.setswitchinterval(_TURN)
        memory_use.settle()
        self._signals.install()
        self.start()
        while not self._signals.is_ending() and self._signals.wait():
            self.reload()
        self.stop()
        self._signals.ignore()
        return 0

    def start(self) -> None:
        """Listen, then start to sample. Raises as `run` does."""
        self._server.start()
        self._runner.start()
        host, port = self.address
        _log.info("listening", host=host, port=port, version=__version__)

    def stop(self) -> None:
        """Let the answers in progress finish, and end within 5 seconds."""
        deadline = time.monotonic() + _END
        _log.info("stopping")
        self._runner.stop(timeout=0.0)  # only asks, so that samples end while answers do
        self._server.stop(_ANSWERS_END)
        ended = self._runner.stop(max(_LEAST_END, deadline - time.monotonic()))
        _log.info("stopped", collectors="ended" if ended else "left hanging")

    def reload(self) -> bool:
        """Read the configuration again and go over to it; tell whether it was good.

        On any error everything stays as it was.
        """
        try:
            config = self._reread()
            self._apply(config)
        except ProblemsError as error:
            count = len(error.problems)
            for number, problem in enumerate(error.problems[:_MOST_TOLD], start=1):
                _log.error("reload failed", problem=problem, number=number, of=count, repeat=True)
            self._reload_succeeded = False
        except Exception as error:  # noqa: BLE001 - the old configuration must go on serving
            _log.error("reload failed", error=type(error).__name__, repeat=True)
            self._reload_succeeded = False
        else:
            _log.info("configuration reloaded", repeat=True)
            self._reload_succeeded, self._reload_time = True, time.time()
        return self._reload_succeeded

    def _apply(self, config: Config) -> None:
        listening = self._config.web.listen_address
        if config.web.listen_address != listening:
            _log.warning(
                "a new listen address takes a restart",
                listening=listening,
                configured=config.web.listen_address,
                repeat=True,
            )
            web = config.web.model_copy(update={"listen_address": listening})
            config = config.model_copy(update={"web": web})
        self._prepare(config)
        collectors = self._choose(config)
        self._server.reload(config.web)  # first, because its files may be bad
        self._runner.replace(self._pair(config, collectors), cancelled=self._signals.is_ending)
        self._hand_over(config, collectors)
        self._collectors, self._config = collectors, config
        logs.configure(config.log)

    def _prepare(self, config: Config) -> None:
        """Read every file that is named, so that all that is wrong is told at once."""
        web = config.web.config_file
        check_all((lambda: prepare(config, self._entries), lambda: web and web_config.load(web)))

    def _choose(self, config: Config) -> dict[str, Collector]:
        """Take over the collectors that can go on, and build the others."""
        return {
            entry.name: self._collectors[entry.name]
            if self._goes_on(entry, config)
            else entry.build(config)
            for entry in self._entries
            if entry.settings(config).enabled
        }

    def _goes_on(self, entry: Entry, config: Config) -> bool:
        running = self._collectors.get(entry.name)
        return running is not None and (
            isinstance(running, Reconfigurable) or not self._differs(entry, config)
        )

    def _differs(self, entry: Entry, config: Config) -> bool:
        return entry.uses(config) != entry.uses(self._config)

    def _hand_over(self, config: Config, collectors: dict[str, Collector]) -> None:
        """Tell the collectors that go on of other settings: last, because it cannot fail."""
        for entry in self._entries:
            running = self._collectors.get(entry.name)
            if running is None or running is not collectors.get(entry.name):
                continue
            if isinstance(running, Reconfigurable) and self._differs(entry, config):
                running.reconfigure(config)

    def _pair(
        self, config: Config, collectors: dict[str, Collector]
    ) -> list[tuple[Collector, CollectorSettings]]:
        return [
            (collectors[entry.name], entry.settings(config))
            for entry in self._entries
            if entry.name in collectors
        ]

    def _answer(self, openmetrics: bool, gzip: bool) -> bytes:
        self._rhythm.note()
        return self._runner.exposition(openmetrics, gzip)

    def _describe(self) -> Iterable[Metric]:
        """Yield the families about the exporter as a whole."""
        build, successful = BUILD_INFO.family(), CONFIG_RELOAD_SUCCESSFUL.family()
        labels = {"version": __version__, "python": platform.python_version()}
        build.add_sample(build.name, labels, 1.0)
        well = self._reload_succeeded and self._server.web_files_well
        successful.add_sample(successful.name, {}, float(well))
        reload_time = CONFIG_RELOAD_TIME.family()
        reload_time.add_sample(reload_time.name, {}, self._reload_time)
        yield from (build, successful, reload_time)
        yield from self._server.collect()


def scrape(config: Config, entries: Sequence[Entry] | None = None) -> tuple[bytes, bool]:
    """Sample every enabled collector once.

    Returns:
        The exposition as Prometheus text, and whether all collectors succeeded.
    """
    entries = list_collectors() if entries is None else entries
    # What is kept over a restart is the service's: it may be about to start.
    nothing = config.errors.model_copy(update={"state_file": OFF})
    config = config.model_copy(update={"errors": nothing})
    prepare(config, entries)
    enabled = [entry for entry in entries if entry.settings(config).enabled]
    runner = Runner([(entry.build(config), entry.settings(config)) for entry in enabled])
    succeeded = runner.sample_once()
    return runner.exposition(openmetrics=False, gzip=False), succeeded
