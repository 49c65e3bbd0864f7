"""Flags that stand for settings, before or after a subcommand, and the settings from them."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING, Any, Final, get_args

from panewatch import settings_file
from panewatch.config import Collectors, Config, LogSettings
from panewatch.problems import Problem, ProblemsError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_PLACES: Final = ("before", "after", "inner")
"""Where flags stand: before the subcommand, after it, after the subcommand of that."""


class _Override(argparse.Action):
    """Collects flags as (key path, value), in the order in which they are given."""

    def __init__(
        self, *, path: tuple[str, ...] = (), repeated: bool = False, const: Any = None, **rest: Any
    ) -> None:
        super().__init__(nargs=None if const is None else 0, const=const, **rest)
        self._path = path
        self._repeated = repeated

    def __call__(
        self,
        _parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        _option: str | None = None,
    ) -> None:
        value = values if self.const is None else self.const
        given = getattr(namespace, self.dest, ())
        setattr(namespace, self.dest, (*given, (self._path, value, self._repeated)))


def add_flags(parser: argparse.ArgumentParser, dest: str) -> None:
    """Add the flags that all subcommands have, under a dest of their own for each parser.

    It is ``before``, ``after`` or, after a subcommand's subcommand, ``inner``. The help of a
    subcommand leaves them out: its own arguments would be lost among them.
    """

    def add(flag: str, path: tuple[str, ...], text: str, **rest: Any) -> None:
        parser.add_argument(
            flag, action=_Override, path=path, dest=dest, default=argparse.SUPPRESS,
            help=text if dest == _PLACES[0] else argparse.SUPPRESS, **rest,
        )  # fmt: skip

    add("--config.file", ("config.file",), "the settings file", metavar="FILE")
    add("--web.listen-address", ("web", "listen_address"), "where to listen", metavar="HOST:PORT")
    add("--web.config.file", ("web", "config_file"), "TLS, users and headers", metavar="FILE")
    add("--tmux.socket", ("tmux", "sockets"), "a tmux server to read; may be repeated",
        metavar="NAME|PATH", repeated=True)  # fmt: skip
    for name in Collectors.model_fields:
        path = ("collectors", name, "enabled")
        add(f"--collector.{name}", path, f"run the {name} collector", const=True)
        add(f"--no-collector.{name}", path, f"leave out the {name} collector", const=False)
    for key, text in (("level", "least severe level to log"), ("format", "format of log lines")):
        choices = get_args(LogSettings.model_fields[key].annotation)
        add(f"--log.{key}", ("log", key), text, choices=choices, metavar="|".join(choices))


def count_up_to(most: int) -> Callable[[str], int]:
    """Return what reads an argument that is a number from 1 on."""

    def read(text: str) -> int:
        if text.isascii() and text.isdecimal() and 1 <= int(text) <= most:
            return int(text)
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 to {most}")

    return read


def load(options: argparse.Namespace) -> Config:
    """Give the settings that the arguments lead to.

    Raises:
        ProblemsError: with everything that is wrong in them.
    """
    file, overrides = merge(options)
    try:
        return settings_file.load(file, os.environ, overrides)
    except settings_file.SettingsError as error:
        more = [] if error.rest is None else _find_more(error.rest)
        raise ProblemsError([*error.problems, *more]) from None


def _find_more(config: Config) -> Sequence[Problem]:
    """Find what else is wrong, so that nobody mends the settings to be told of the next file."""
    from panewatch.verdict import check_files  # noqa: PLC0415 - wrong settings only need it

    try:
        check_files(config)
    except ProblemsError as error:
        return error.problems
    return ()


def merge(options: argparse.Namespace) -> tuple[str | None, dict[str, Any]]:
    """Give the settings file and the nested settings that the flags stand for."""
    file: str | None = getattr(options, "file", None)
    overrides: dict[str, Any] = {}
    for path, value, repeated in list_flags(options):
        if path == ("config.file",):
            file = getattr(options, "file", None) or value
            continue
        section = overrides
        for key in path[:-1]:
            section = section.setdefault(key, {})
        section[path[-1]] = [*section.get(path[-1], ()), value] if repeated else value
    return file, overrides


def list_flags(options: argparse.Namespace) -> tuple[tuple[tuple[str, ...], Any, bool], ...]:
    """Return the flags as (key path, value, whether it adds to a list), in their order."""
    return tuple(flag for place in _PLACES for flag in getattr(options, place, ()))
