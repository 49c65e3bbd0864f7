"""Real exporters in processes of their own, and what they serve."""

import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from polling import wait_until

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "PYTHONPATH": str(ROOT / "exporter"),
    "PYTHONUNBUFFERED": "1",
}
PANEWATCH = (sys.executable, "-m", "panewatch")
HANGING = (sys.executable, str(Path(__file__).with_name("hanging_exporter.py")))


class Exporter:
    """A running exporter; `log` is what it has written to standard error so far."""

    def __init__(self, command: Sequence[str], folder: Path, **rest: Any) -> None:
        self._log = folder / "log"
        environment = {**self.environment(folder), **rest.pop("env", {})}
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                command, env=environment, **{"stdout": log, "stderr": log, **rest}
            )

    @staticmethod
    def environment(folder: Path | None = None) -> dict[str, str]:
        """Give an environment with nothing of the user's; tmux looks for sockets in the folder."""
        return {**ENVIRONMENT, **({"TMUX_TMPDIR": str(folder)} if folder else {})}

    @property
    def log(self) -> str:
        return self._log.read_text()

    def find_port(self) -> int:
        """Wait until it listens, and read the port from its log."""
        # Its start reads and compiles all rules: seconds of CPU, which others may want too.
        wait_until(lambda: "listening" in self.log, 60.0, f"listening; {self.log}")
        found = re.search(r"event=listening .*port=(\d+)", self.log)
        assert found
        return int(found.group(1))

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def end(self) -> int:
        """End it as a user would; give its exit code."""
        self.signal(signal.SIGTERM)
        return self.process.wait(30)

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


def panewatch(*arguments: str, **rest: Any) -> subprocess.CompletedProcess[str]:
    """Run a subcommand to its end."""
    environment = {**ENVIRONMENT, **rest.pop("env", {})}
    return subprocess.run(
        (*PANEWATCH, *arguments), capture_output=True, text=True, timeout=100, check=False,
        env=environment, **rest,
    )  # fmt: skip


def get(port: int, path: str = "/metrics") -> tuple[int, str]:
    """Give status and text; status 0 where nobody answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()
    except OSError:
        return 0, ""


def metric(port: int, series: str) -> float | None:
    """Give the value of one series, written as in the exposition."""
    for line in get(port)[1].splitlines():
        name, _, value = line.rpartition(" ")
        if name == series:
            return float(value)
    return None
