"""Kinds of programs, and that those which sit and wait are not stalled."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from panes.private_tmux import PrivateTmux
from panes.watching import EAGER, Watch
from panewatch.panes.foreground import inspect, read_arguments
from panewatch.panes.kinds import find_kind
from panewatch.panes.screens.loading import load_screens
from polling import wait_until

KINDS = {
    "python3 -q": "repl",
    "python3.11": "repl",
    "node": "repl",
    "R --no-save": "repl",
    "bc -l": "repl",
    "python3 -m http.server 8000": "server",
    "python3 /usr/bin/uvicorn app:app --reload": "server",
    "python3 manage.py runserver": "server",
    "python3 -m flask run": "server",
    "/usr/bin/python3 /usr/local/bin/flask --app x run": "server",
    "python3 /usr/bin/jupyter lab": "server",
    "python3 /usr/bin/jupyter-notebook": "server",
    "npm run dev": "server",
    "npm start": "server",
    "npm run dev:web": "server",
    "node /usr/bin/yarn dev": "server",
    "node /app/node_modules/.bin/vite": "server",
    "node /app/node_modules/.bin/tsc --watch": "server",
    "uv run uvicorn app:app": "server",
    "npx http-server": "server",
    "ollama serve": "server",
    "nc -l 9000": "server",
    "celery -A app worker": "server",
    "tail -f log": "follower",
    "tail -n 5 -F log": "follower",
    "tail --follow=name log": "follower",
    "cat": "follower",
    "cat -n": "follower",
    "python3 train.py": "program",
    "python3 train.py --mode dev": "program",
    "python3 -c pass": "program",
    "python3 -": "program",
    "node server.js": "program",
    "node_exporter": "program",
    "npm install serve": "program",
    "npm run build": "program",
    "npm test": "program",
    "node /app/node_modules/.bin/vite build": "program",
    "python3 /usr/bin/jupyter nbconvert --execute x.ipynb": "program",
    "uv run pytest": "program",
    "uv": "program",
    "cargo build": "program",
    "grep serve": "program",
    "mkdocs serve": "server",
    "tail -n 5 log": "program",
    "cat log": "program",
    "make test": "program",
    "vim": "editor",
    "less log": "pager",
    "view": "editor",
}


@pytest.mark.parametrize(("line", "kind"), KINDS.items())
def test_kinds(line: str, kind: str) -> None:
    words = line.split()
    assert find_kind(Path(words[0]).name, read_arguments(words)) == kind


def test_a_title_that_a_program_gave_itself_is_read_as_its_arguments() -> None:
    assert find_kind("npm run dev", read_arguments(["npm run dev"])) == "server"
    assert find_kind("npm run build", read_arguments(["npm run build"])) == "program"


@given(st.text(), st.lists(st.text()))
def test_any_arguments_have_a_kind(name: str, words: list[str]) -> None:
    assert find_kind(name, read_arguments(words))
    assert find_kind(name, None)


WAITING = {
    "python3 -q": "python3",
    "node": "node",
    "sqlite3": "sqlite3",
    "gdb -q": "gdb",
    "bc -q": "bc",
    f"{sys.executable} -m http.server 0 --bind 127.0.0.1": sys.executable,
    "tail -f package.json": "tail",
    "cat": "cat",
    "npm run dev": "npm",
}


@pytest.mark.parametrize(("line", "needs"), WAITING.items())
def test_what_sits_and_waits_is_idle_and_never_stalled(
    tmux: PrivateTmux, line: str, needs: str
) -> None:
    if shutil.which(needs) is None:
        pytest.skip(f"{needs} is not installed")
    (tmux.folder / "package.json").write_text('{"scripts": {"dev": "sleep 1000"}}')
    pane = tmux.start(f"cd {tmux.folder}; exec {line}")
    settings = EAGER.model_copy(update={"stalled_after": 8.0, "working_for": 1.0})
    watch = Watch(tmux, settings, screens=load_screens(settings))
    seen: set[str] = set()

    def rests() -> bool:
        watch.look()
        seen.add(watch.view(pane).state)
        return not seen.isdisjoint({"idle", "stalled"})

    wait_until(rests, 30, what="the end of its work")
    assert "stalled" not in seen


@pytest.mark.parametrize("interpreter", ["bash --norc", "python3"])
def test_who_reads_a_script_from_a_file_is_at_no_prompt(
    tmux: PrivateTmux, interpreter: str
) -> None:
    lines = "import time\ntime.sleep(1000)\n" if "python" in interpreter else "sleep 1000; :\n"
    script = tmux.folder / "script"
    script.write_text(lines)
    pane = tmux.start(f"exec {interpreter} < {script}")
    pid = int(tmux.ask("#{pane_pid}", pane))

    def runs() -> bool:
        found = inspect(pid)
        name = interpreter.partition(" ")[0]
        return found is not None and name in found.names and found.runs_script

    wait_until(runs, what="a script")
    settings = EAGER.model_copy(update={"stalled_after": 1.0, "working_for": 0.5})
    watch = Watch(tmux, settings, screens=load_screens(settings))

    def stalls() -> bool:
        watch.look()
        return watch.view(pane).state == "stalled"

    wait_until(stalls, 20)
