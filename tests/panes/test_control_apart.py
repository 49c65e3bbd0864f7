"""The exporter reads panes and never types: nothing that drives panes is part of it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import panewatch
from panes.private_tmux import PrivateTmux
from polling import wait_until
from runner.programs import PANEWATCH, Exporter, metric

PACKAGE = Path(panewatch.__file__).parent
DRIVING = {"control", "keys", "lookout", "reach", "view"}
"""Modules of `panewatch.panes` that drive panes, or serve only those that do."""

FORBIDDEN = {f"panewatch.panes.{name}" for name in DRIVING} | {"libtmux"}
WRITING = {"send-keys", "paste-buffer", "load-buffer", "set-buffer", "pipe-pane", "respawn-pane",
           "kill-pane", "kill-server", "new-session", "run-shell", "if-shell"}  # fmt: skip
"""tmux commands that change something."""


def list_imports(path: Path) -> Iterator[str]:
    """Yield every module that a file could import by a statement, wherever that stands."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
            yield from (f"{node.module}.{name.name}" for name in node.names)


def list_served() -> list[Path]:
    driving = {PACKAGE / "panes" / f"{name}.py" for name in DRIVING}
    return [path for path in PACKAGE.rglob("*.py") if path not in driving]


def is_forbidden(module: str) -> bool:
    return any(module == name or module.startswith(f"{name}.") for name in FORBIDDEN)


def test_no_other_module_imports_them() -> None:
    assert is_forbidden("libtmux.pane")
    assert any(map(is_forbidden, list_imports(PACKAGE / "panes/control.py")))
    found = {path.name: set(filter(is_forbidden, list_imports(path))) for path in list_served()}
    assert not {name: modules for name, modules in found.items() if modules}


def test_no_other_module_names_a_command_that_changes_something() -> None:
    words = {path.name: find_words(path) for path in list_served()}
    assert find_words(PACKAGE / "panes/control.py") & WRITING
    assert not {name: found & WRITING for name, found in words.items() if found & WRITING}


def find_words(path: Path) -> set[str]:
    """Give the strings of a file, docstrings left out."""
    return {
        node.value
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def test_an_exporter_that_serves_panes_never_loads_them(tmux: PrivateTmux, tmp_path: Path) -> None:
    tmux.start()
    exporter = Exporter(
        (PANEWATCH[0], "-X", "importtime", *PANEWATCH[1:], "serve", "--tmux.socket", tmux.socket,
         "--web.listen-address", "127.0.0.1:0"),
        tmp_path,
    )  # fmt: skip
    try:
        wait_until(lambda: "listening" in exporter.log, 60, "it listens")
        port = exporter.find_port()
        sampled = 'panewatch_collector_success{collector="panes"}'
        wait_until(lambda: metric(port, sampled) == 1, 50, "a sample of the panes")
        assert exporter.end() == 0
    finally:
        exporter.kill()
    loaded = set(re.findall(r"^import time:.*\| +(\S+)$", exporter.log, re.MULTILINE))
    assert "panewatch.panes.tmux" in loaded
    assert not set(filter(is_forbidden, loaded))
