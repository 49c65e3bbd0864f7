"""The service in this process: reload while it is scraped, and what it tells of itself."""

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import ClassVar

import pytest
from prometheus_client.core import Metric

from panewatch import __version__, settings_file
from panewatch.config import Config
from panewatch.registry import Entry, list_collectors
from panewatch.service import Service, scrape
from panewatch.web_config import WebConfigError
from polling import wait_until
from runner.collectors import gauge
from runner.programs import get, metric

ITSELF = Path(__file__).parents[1] / "golden" / "itself.prom"
RELOADED = "panewatch_config_last_reload_successful"
GOOD = """\
web: {listen_address: "127.0.0.1:0"}
collectors: {panes: {interval: 20ms}, process: {interval: 20ms}}
panes: {max_panes: %d}
"""


class Generation:
    """Shows a setting twice, so that a mixture of two configurations is seen."""

    name: ClassVar[str] = "panes"
    built: ClassVar[list["Generation"]] = []

    def __init__(self, config: Config) -> None:
        self._panes = float(config.panes.max_panes)
        self.asked: list[int] = []
        self.built.append(self)

    def collect(self) -> Iterator[Metric]:
        yield gauge("panewatch_generation", self._panes)
        yield gauge("panewatch_generation_again", self._panes)


class Follower(Generation):
    """Goes over to another configuration by itself."""

    def reconfigure(self, config: Config) -> None:
        self._panes = float(config.panes.max_panes)
        self.asked.append(config.panes.max_panes)


PANES = Entry("panes", Generation, lambda config: config.panes, lambda _: ())
PROCESS = next(entry for entry in list_collectors() if entry.name == "process")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "panewatch.yml"
    file.write_text(GOOD % 1)
    return file


@pytest.fixture
def service(file: Path) -> Iterator[Service]:
    def load() -> Config:
        return settings_file.load(str(file), {}, {})

    Generation.built.clear()
    service = Service(load(), load, (PANES, PROCESS))
    service.start()
    wait_until(lambda: get(service.address[1], "/-/ready")[0] == 200)
    yield service
    service.stop()


def empty(file: Path) -> None:
    file.write_text("")


def write_half(file: Path) -> None:
    file.write_text((GOOD % 2)[:40])


def write_binary(file: Path) -> None:
    file.write_bytes(b"\x00\xff" * 100)


def become_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def break_web_config(file: Path) -> None:
    web = file.with_name("web.yml")
    web.write_text("tls_server_config: {cert_file: missing.pem, key_file: missing.key}\n")
    file.write_text((GOOD % 2).replace('0"}', f'0", config_file: {web}}}'))


@pytest.mark.parametrize(
    "spoil", [Path.unlink, empty, write_half, write_binary, become_folder, break_web_config]
)
def test_a_bad_file_changes_nothing(
    service: Service, file: Path, spoil: Callable[[Path], None]
) -> None:
    port = service.address[1]
    spoil(file)
    assert not service.reload()
    wait_until(lambda: metric(port, RELOADED) == 0)
    assert metric(port, "panewatch_generation") == 1
    if file.is_dir():
        file.rmdir()
    replacement = file.with_name("new.yml")
    replacement.write_text(GOOD % 3)
    replacement.rename(file)
    assert service.reload()
    wait_until(lambda: metric(port, RELOADED) == 1)
    assert metric(port, "panewatch_generation") == 3


def test_a_web_config_that_breaks_while_it_runs_is_told(service: Service, file: Path) -> None:
    web = file.with_name("web.yml")
    web.write_text("{}\n")
    file.write_text((GOOD % 1).replace('0"}', '0", config_file: web.yml}'))
    assert service.reload()
    port = service.address[1]
    wait_until(lambda: metric(port, RELOADED) == 1)
    web.write_text("nonsense: 1\n")
    wait_until(lambda: metric(port, RELOADED) == 0)
    web.write_text("rate_limit: {}\n")
    wait_until(lambda: metric(port, RELOADED) == 1)


def test_reload_under_a_hundred_scrapes_is_never_mixed(service: Service, file: Path) -> None:
    port = service.address[1]
    over = Event()
    seen: list[tuple[int, list[str]]] = []

    def watch() -> None:
        while not over.is_set():
            status, text = get(port)
            seen.append(
                (status, re.findall(r"^panewatch_generation(?:_again)? (.*)$", text, re.MULTILINE))
            )

    with ThreadPoolExecutor(8) as pool:
        watchers = [pool.submit(watch) for _ in range(8)]
        for number in (2, 3, 4):
            before = len(seen)
            wait_until(lambda before=before: len(seen) > before + 20)  # type: ignore[misc]
            file.write_text("nonsense: 1")
            assert not service.reload()
            file.write_text(GOOD % number)
            assert service.reload()
        before = len(seen)
        wait_until(lambda: len(seen) > before + 40)
        over.set()
        for watcher in watchers:
            watcher.result()
    assert {status for status, _ in seen} == {200}
    assert all(len(values) == 2 and values[0] == values[1] for _, values in seen)
    assert {values[0] for _, values in seen} == {"1.0", "2.0", "3.0", "4.0"}
    assert len(seen) >= 100


def test_an_unchanged_file_restarts_nothing(service: Service) -> None:
    started = [service._runner._samplers, service.address]
    assert service.reload()
    assert [service._runner._samplers, service.address] == started
    assert len(Generation.built) == 1


def test_only_what_changed_is_restarted(service: Service, file: Path) -> None:
    panes, process = service._runner._samplers
    file.write_text(GOOD % 2)
    assert service.reload()
    assert service._runner._samplers[1] is process
    assert service._runner._samplers[0] is not panes
    file.write_text((GOOD % 2).replace("process: {interval: 20ms}", "process: {enabled: false}"))
    assert service.reload()
    assert [sampler.name for sampler in service._runner._samplers] == ["panes"]
    assert len(Generation.built) == 2


def test_a_collector_that_can_is_handed_the_new_configuration(file: Path) -> None:
    def load() -> Config:
        return settings_file.load(str(file), {}, {})

    Generation.built.clear()
    entry = Entry("panes", Follower, lambda config: config.panes, lambda _: ())
    service = Service(load(), load, (entry, PROCESS))
    service.start()
    try:
        port = service.address[1]
        wait_until(lambda: metric(port, "panewatch_generation") == 1)
        samplers = service._runner._samplers
        break_web_config(file)
        assert not service.reload()
        assert Generation.built[0].asked == []
        file.write_text(GOOD % 3)
        assert service.reload()
        wait_until(lambda: metric(port, "panewatch_generation") == 3)
        assert service._runner._samplers == samplers
        assert len(Generation.built) == 1
        # One that was left out for a while begins anew.
        file.write_text((GOOD % 4).replace("panes: {interval: 20ms}", "panes: {enabled: false}"))
        assert service.reload()
        file.write_text(GOOD % 5)
        assert service.reload()
        assert len(Generation.built) == 2
        wait_until(lambda: metric(port, "panewatch_generation") == 5)
    finally:
        service.stop()


def test_a_new_listen_address_waits_for_a_restart(service: Service, file: Path) -> None:
    port = service.address[1]
    file.write_text((GOOD % 2).replace("127.0.0.1:0", "127.0.0.1:1"))
    assert service.reload()
    assert service.address[1] == port
    wait_until(lambda: metric(port, RELOADED) == 1)
    assert metric(port, "panewatch_generation") == 2


def test_no_thread_left_for_a_reload(
    service: Service, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_thread: object) -> None:
        raise RuntimeError("can't start new thread")

    file.write_text(GOOD % 2)
    with monkeypatch.context() as patched:
        patched.setattr("panewatch.sampler.Sampler.start", refuse)
        assert not service.reload()
    assert metric(service.address[1], "panewatch_generation") == 1


def test_a_web_config_that_cannot_be_used_ends_the_start(file: Path) -> None:
    break_web_config(file)
    config = settings_file.load(str(file), {}, {})
    with pytest.raises(WebConfigError):
        Service(config, lambda: config, ())


def shape(text: str) -> str:
    """Leave of each sample its name and labels, and of the version of Python nothing."""
    text = re.sub(r'python="[^"]*"', 'python=""', text.replace(__version__, ""))
    return re.sub(r"^([^#].*) \S+$", r"\1", text, flags=re.MULTILINE)


def test_what_it_tells_of_itself_is_as_recorded_and_passes_promtool(service: Service) -> None:
    status, text = get(service.address[1])
    assert status == 200
    checked = subprocess.run(
        ["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")
    own = "".join(
        line for line in text.splitlines(keepends=True) if "panewatch_generation" not in line
    )
    if "UPDATE_GOLDEN" in os.environ:
        ITSELF.write_text(shape(own))
    assert shape(own) == ITSELF.read_text()


def test_scrape_samples_once() -> None:
    text, succeeded = scrape(Config(), (PANES, PROCESS))
    assert succeeded
    assert b"\npanewatch_generation 1000.0\n" in text
    assert b"\nprocess_threads " in text
