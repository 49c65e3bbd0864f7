"""A running exporter over a private tmux server: panes to print and type in, and samples."""

from __future__ import annotations

import atexit
import re
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from panes.private_tmux import PrivateTmux, Puppet
from panewatch.panes.commands.shell_init import render
from polling import wait_until
from runner.programs import PANEWATCH, Exporter, get

SETTINGS = """\
web: {{listen_address: "127.0.0.1:0", max_requests: 64}}
collectors: {{panes: {{interval: 50ms}}, errors: {{interval: 50ms, enabled: {enabled}}}}}
panes:
  {{list_interval: 50ms, min_interval: 20ms, busy_interval: 50ms, max_interval: 300ms,
    commands: {{directory: {folder}/commands}}}}
errors: {{{errors}}}
tmux: {{sockets: [{socket}]}}
"""
SHELL = "exec bash --norc --noprofile -i"
PROMPT = r"dev@host:~/exp/\#$ "
"""bash counts its commands in it."""


@cache
def make_cache() -> str:
    """Make the folder in which all exporters of these tests keep their compiled rules."""
    folder = tempfile.mkdtemp(prefix="pwcache")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


class Place:
    """A pane, and the labels by which it is known."""

    def __init__(self, live: Live, pane: str) -> None:
        self.live = live
        self.pane = pane
        self._commands = 1
        form = "#{session_name} #{window_index} #{pane_index}"
        names = live.tmux.ask(form, pane).split()
        self.labels = dict(zip(("session", "window", "pane"), names, strict=True))

    def value(self, name: str, **labels: str) -> float:
        """Add up the samples of this pane; 0 where there is none."""
        return sum(self.live.values(name, **self.labels, **labels))

    def opened(self) -> float:
        """How many incidents were opened so far."""
        return self.value("pane_incidents_total")

    def open_rules(self) -> dict[str, float]:
        """The rules with open incidents, and how many."""
        samples = self.live.samples("incident_open", **self.labels)
        return {labels["rule"]: value for labels, value in samples}

    def settle(self) -> None:
        """Wait until what tmux shows now was read, told and published."""
        begin = time.time()
        sampled = "collector_last_success_timestamp_seconds"
        wait_until(lambda: self.live.values(sampled, collector="panes")[0] > begin)
        before = self.value("pane_captures_total")
        # One look may have begun before.
        wait_until(lambda: self.value("pane_captures_total") >= before + 2, what="two looks")

    def type(self, text: str, *, enter: bool = True) -> None:
        """Type into the pane."""
        self.live.tmux.run("send-keys", "-t", self.pane, "-l", text)
        if enter:
            self.live.tmux.run("send-keys", "-t", self.pane, "Enter")

    def screen(self) -> str:
        """What it shows."""
        return self.live.tmux.run("capture-pane", "-p", "-J", "-t", self.pane)

    def shows(self, text: str) -> bool:
        """Tell whether a line of the screen is just ``text``."""
        return any(line.rstrip() == text for line in self.screen().splitlines())

    def command(self, text: str) -> None:
        """Run a command in a shell, and wait until all that it printed was read."""
        self.type(text)
        self.wait_for_prompt()
        self.settle()

    def wait_for_prompt(self) -> None:
        """Wait until the shell has ended the next command."""
        self._commands += 1
        prompt = PROMPT.replace(r"\#", str(self._commands)).rstrip()
        wait_until(lambda: self.shows(prompt), what=f"{prompt}; {self.screen()}")


class Live:
    """The exporter and its tmux server."""

    def __init__(self, folder: Path, errors: str, *, enabled: bool) -> None:
        self.folder = folder
        self.tmux = PrivateTmux(folder)
        self.tmux.start("sleep 1000")
        self.tmux.run("set-option", "-g", "remain-on-exit", "off")
        self.file = folder / "panewatch.yml"
        self.configure(errors, enabled=enabled)
        self.state = folder / "state/panewatch/incidents.json"
        """Where it keeps what is open."""
        self.port = 0
        self.launch()

    def launch(self) -> None:
        """Start the exporter, again on the port that it had."""
        address = f"--web.listen-address=127.0.0.1:{self.port}"
        self.exporter = Exporter(
            (*PANEWATCH, f"--config.file={self.file}", address), self.folder,
            env={"XDG_CACHE_HOME": make_cache(), "XDG_STATE_HOME": str(self.folder / "state")},
        )  # fmt: skip

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End the exporter, and wait until it has ended."""
        self.exporter.signal(number)
        self.exporter.process.wait(30)

    def keeps(self, *rules: str) -> bool:
        """Tell whether incidents of just these rules are in the file."""
        text = self.state.read_text() if self.state.exists() else ""
        return sorted(re.findall(r'"rule":"([^"]*)"', text)) == sorted(rules)

    def wait(self) -> None:
        """Wait until it serves and has read a pane."""
        # On its first start it compiles the rules.
        wait_until(lambda: "listening" in self.exporter.log, 60, "it listens")
        self.port = self.exporter.find_port()
        wait_until(lambda: self.samples("pane_captures_total"), 30, "a pane is read")

    def configure(self, errors: str = "", *, enabled: bool = True) -> None:
        """Write the settings; ``errors`` is the inside of their section, in YAML's braces."""
        on = str(enabled).lower()
        text = SETTINGS.format(
            errors=errors, enabled=on, socket=self.tmux.socket, folder=self.folder
        )
        self.file.write_text(text)

    def reload(self, event: str) -> None:
        """Have the settings read again, and wait until the log tells ``event`` once more."""
        before = self.exporter.log.count(event)
        self.exporter.signal(signal.SIGHUP)
        wait_until(lambda: self.exporter.log.count(event) > before, what=event)

    def samples(self, name: str, **labels: str) -> list[tuple[dict[str, str], float]]:
        """The samples of one name that have these labels among theirs."""
        start = f"panewatch_{name}"
        text = "".join(
            line + "\n"
            for line in get(self.port)[1].splitlines()
            if line.startswith((start + "{", start + " "))
        )
        return [
            (sample.labels, sample.value)
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if labels.items() <= sample.labels.items()
        ]

    def values(self, name: str, **labels: str) -> list[float]:
        """Their values."""
        return [value for _, value in self.samples(name, **labels)]

    def puppet(self) -> tuple[Puppet, Place]:
        """Open a window with a program that prints what it is told."""
        puppet = Puppet.beside(self.tmux)
        place = Place(self, puppet.pane)
        wait_until(lambda: place.value("pane_captures_total"), what="the pane is read")
        return puppet, place

    def shell(self, *, reports: bool = False) -> Place:
        """Open a window with a shell at its prompt, which may report how commands end."""
        place = Place(self, self.tmux.open(SHELL))
        init = self.folder / "init.bash"
        init.write_text(render("bash", str(self.folder / "commands")) if reports else "")
        place.type(f"PS1='{PROMPT}'; cd {self.folder}; . ./init.bash; clear")
        place.wait_for_prompt()
        wait_until(lambda: place.value("pane_captures_total"), what="the pane is read")
        return place

    def end(self) -> None:
        """End both."""
        self.exporter.kill()
        self.tmux.kill()


@contextmanager
def live_panes(errors: str = "", *, enabled: bool = True) -> Iterator[Live]:
    """Run an exporter and a tmux server for the time of a with-block."""
    # A socket's path has to be short, shorter than pytest's own folders.
    folder = Path(tempfile.mkdtemp(prefix="pw"))
    live = Live(folder, errors, enabled=enabled)
    try:
        live.wait()
        yield live
    finally:
        live.end()
        shutil.rmtree(folder, ignore_errors=True)
