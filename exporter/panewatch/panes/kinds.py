"""What kind of program a pane runs, as far as its name and its arguments tell."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import PurePath
from typing import Final

from panewatch.panes.foreground import Foreground, read_arguments

_BY_NAME: Final = {
    "editor": {"vi", "vim", "nvim", "view", "vimdiff", "nano", "emacs", "emacsclient", "micro",
               "hx", "helix", "joe", "kak", "ed", "mcedit"},
    "pager": {"less", "more", "most", "man", "bat", "delta", "tig", "lazygit"},
    "monitor": {"top", "htop", "btop", "atop", "nvtop", "nvitop", "gpustat", "watch", "glances",
                "iotop", "iftop", "journalctl", "dmesg"},
    "remote": {"ssh", "mosh", "mosh-client", "telnet", "docker", "podman", "kubectl", "tmux",
               "screen", "picocom", "minicom"},
    "repl": {"bc", "dc"},
    "server": {"http.server", "uvicorn", "gunicorn", "hypercorn", "daphne", "jupyter-lab",
               "jupyter-notebook", "jupyter-server", "jupyterlab", "notebook", "tensorboard",
               "nginx", "redis-server", "postgres", "mysqld", "mariadbd", "mongod", "memcached",
               "http-server", "live-server", "json-server", "nodemon", "vite", "nc", "ncat",
               "netcat", "socat", "entr", "inotifywait", "watchexec"},
}  # fmt: skip

_BY_WORD: Final = {
    "jupyter": {"lab", "notebook", "server"},
    "next": {"dev", "start"},
    "flask": {"run"},
    "fastapi": {"dev", "run"},
    "streamlit": {"run"},
    "php": {"-S"},
    "rails": {"server", "s"},
    "hugo": {"server", "serve"},
    "mkdocs": {"serve"},
    "jekyll": {"serve"},
    "ng": {"serve"},
    "webpack": {"serve"},
    "ollama": {"serve"},
    "vllm": {"serve"},
    "manage.py": {"runserver"},
    "mlflow": {"server", "ui"},
    "caddy": {"run"},
    "celery": {"worker", "beat"},
    "cargo": {"watch"},
    "tsc": {"-w"},
}
"""Words by which a program serves, or watches files, and does not end by itself."""

_WATCHES: Final = "--watch"
"""The same of any program."""

_SCRIPTS: Final = frozenset(("dev", "start", "serve", "watch", "preview"))
"""What scripts that serve are called: `npm run dev`, `yarn dev:web`."""

_MANAGERS: Final = frozenset(("npm", "pnpm", "yarn", "bun"))
"""Programs that run such scripts by their name."""

_WRAPPERS: Final = frozenset(("npx", "bunx", "uv", "uvx", "poetry", "pdm", "pipenv", "bundle"))
"""Programs that run another one, which stands behind them."""

_RUN: Final = frozenset(("run", "run-script", "exec"))

_BATCHES: Final = {"vite": {"build", "optimize"}}
"""Words by which a server does something else, and ends."""

_ASKS: Final = frozenset(("python", "pypy", "node", "bun", "lua", "luajit", "R", "julia", "ocaml",
                          "guile", "racket", "octave", "swipl", "maxima"))  # fmt: skip
"""Interpreters that ask for input where they are given nothing to run; a version may follow."""


_CARRIES: Final = _BY_NAME["remote"] | {
    "sudo", "su", "doas", "runuser", "script", "unbuffer", "expect", "asciinema", "strace",
    "chroot", "nsenter", "unshare", "bwrap", "firejail", "flatpak", "proot", "nix", "nix-shell",
    "autossh", "sshpass", "et", "zellij", "dtach", "abduco", "nerdctl", "docker-compose",
    "podman-compose", "toolbox", "distrobox", "devcontainer", "lxc", "incus", "machinectl",
    "systemd-run", "apptainer", "singularity", "enroot", "vagrant", "multipass", "limactl", "orb",
    "oc", "gh", "gcloud", "aws", "az", "fly", "flyctl", "modal", "srun", "salloc",
}  # fmt: skip
"""Programs that show the screen of another one, which runs on another terminal."""

_SAYS_NOTHING: Final = frozenset(("sleep", "cat", "tail", "watch", "yes", "seq", "tee"))
"""Programs that ask for nothing: what is on the screen is not their own."""


def may_carry(foreground: Foreground) -> bool:
    """Tell whether a program may show the screen of one that is not seen beside it."""
    members = foreground.members
    if members is None or not _CARRIES.isdisjoint(foreground.names | members):
        return True
    # An interpreter that tells of nothing that it runs may have hidden it.
    return not foreground.words and any(_cut_version(name) in _ASKS for name in foreground.names)


def asks_nothing(foreground: Foreground) -> bool:
    """Tell whether a program has the terminal alone and never asks anybody."""
    return foreground.members == frozenset() and not _SAYS_NOTHING.isdisjoint(foreground.names)


def find_inner(foreground: Foreground) -> str:
    """Return the editor or pager that a program started on its terminal; empty where none is."""
    names = sorted(foreground.members or ())
    return next((name for name in names if _find_by_name(name) in {"editor", "pager"}), "")


def find_kind(name: str, foreground: Foreground | None) -> str:
    """Tell the kind of a program that is neither a shell nor an agent.

    Args:
        name: Its name.
        foreground: Its arguments, where they can be seen.

    Returns:
        ``editor``, ``pager``, ``monitor``, ``remote``, ``repl`` (it works when somebody types),
        ``server`` (when somebody asks it, or a file changes), ``follower`` (it prints what others
        write), or ``program`` where nothing else is known.
    """
    kind = _find_by_name(name)
    if foreground is None or kind not in {"program", "server"}:
        return kind
    return _find_by_words(foreground, kind)


@lru_cache(maxsize=1024)
def _find_by_name(name: str) -> str:
    return next((kind for kind, names in _BY_NAME.items() if name in names), "program")


@lru_cache(maxsize=1024)
def _find_by_words(foreground: Foreground, kind: str) -> str:
    names, words = foreground.names, foreground.words
    if any(not _BATCHES[name].isdisjoint(words) for name in names & _BATCHES.keys()):
        return "program"
    if kind == "server" or _serves(foreground):
        return "server"
    if "tail" in names:
        return "follower" if any(map(_follows, words)) else "program"
    if "cat" in names:
        return "follower" if foreground.at_terminal and _has_options_only(words) else "program"
    asks = not foreground.runs_script and any(_cut_version(name) in _ASKS for name in names)
    return "repl" if asks and _has_options_only(words) else "program"


def _serves(foreground: Foreground) -> bool:
    """Tell whether it answers others, or watches files, until somebody ends it."""
    names = foreground.names
    plain = [word for word in foreground.words if not word.startswith("-")]
    if not names.isdisjoint(_WRAPPERS):
        rest = plain[1:] if plain[:1] and plain[0] in _RUN else plain
        return bool(rest) and find_kind(rest[0], read_arguments(rest)) == "server"
    if not names.isdisjoint(_MANAGERS):
        # Of a manager that an interpreter runs, the first word is its own file.
        rest = [word for word in plain[:3] if word not in _RUN and PurePath(word).stem not in names]
        return bool(rest) and rest[0].partition(":")[0] in _SCRIPTS
    if not names.isdisjoint(_BY_NAME["server"]) or _WATCHES in foreground.words:
        return True
    words = set(foreground.words)
    return any(not words.isdisjoint(_BY_WORD[name]) for name in names & _BY_WORD.keys())


def _follows(word: str) -> bool:
    short = word.startswith("-") and not word.startswith("--")
    return word.startswith("--follow") or (short and "f" in word.lower())


def _has_options_only(words: Sequence[str]) -> bool:
    return all(word.startswith("-") and word != "-" for word in words)


def _cut_version(name: str) -> str:
    return name.rstrip("0123456789.-")
