"""The command line: arguments and subcommands, no logic."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, get_args

from panewatch import __version__, logs, settings_file, web_config
from panewatch.config import Collectors, Config, LogSettings
from panewatch.panes.commands import shell_init
from panewatch.panes.commands.shell_init import SHELLS
from panewatch.problems import Problem, ProblemsError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from panewatch.errors.rulebook import Rulebook
    from panewatch.panes.screens import ScreenBook

OK: Final = 0
FAILED: Final = 1
USAGE: Final = 2

_SHUT_PIPE: Final = 141  # what a shell shows for a program that SIGPIPE ended


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


def build_parser() -> argparse.ArgumentParser:
    """Build the parser of all subcommands; a flag may stand before or after its subcommand."""
    parser = argparse.ArgumentParser(
        prog="panewatch",
        description="Prometheus exporter for the work that people and agents do in tmux panes.",
        allow_abbrev=False,
    )
    parser.set_defaults(run=_serve)
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    _add_flags(parser, "before")
    subcommands = parser.add_subparsers(metavar="SUBCOMMAND", title="subcommands")
    for name, run, text in (
        ("serve", _serve, "run the exporter; the default"),
        ("scrape", _scrape, "sample every collector once and print the exposition"),
        ("diagnose", _diagnose, "tell what can be read here, and why not, by reading it"),
        ("check-config", _check_config, "check the settings and the web configuration"),
        ("explain", _explain, "tell which rule takes which line of recorded text, and why"),
        ("rules", _rules, "list the rules in use"),
        ("screen", _screen, "tell what recorded screens say of their programs' state"),
        ("trace", _trace, "tell from profiler traces where the time of a training goes"),
        ("shell-init", _shell_init, "print what a shell reads at its start to report its commands"),
        ("config-schema", _config_schema, "print the JSON Schema of the settings file"),
        ("healthcheck", _healthcheck, "ask whether the exporter of these settings answers"),
    ):
        subparser = subcommands.add_parser(name, help=text, description=text, allow_abbrev=False)
        subparser.set_defaults(run=run)
        _add_flags(subparser, "after")
        subparser.epilog = "It takes the flags of `panewatch` too. `panewatch --help` lists them."
        if run is _healthcheck:
            subparser.epilog = (
                "Exit code: 0 where it answers, also where it asks for a password or a client "
                "certificate; 1 where it does not; 2 where the settings or the arguments are "
                f"wrong. {subparser.epilog}"
            )
        if run is _check_config:
            subparser.add_argument("file", nargs="?", metavar="FILE", help="the settings file")
        if run is _explain:
            _add_explain_arguments(subparser)
        if run is _shell_init:
            subparser.add_argument("shell", choices=SHELLS, metavar="SHELL",
                                   help=f"{', '.join(SHELLS[:-1])} or {SHELLS[-1]}")  # fmt: skip
        if run is _screen:
            _add_screen_arguments(subparser)
        if run is _trace:
            _add_trace_arguments(subparser)
    return parser


def _add_flags(parser: argparse.ArgumentParser, dest: str) -> None:
    """Add the flags that all subcommands have, under a dest of their own for each parser.

    The help of a subcommand leaves them out: its own arguments would be lost among them.
    """

    def add(flag: str, path: tuple[str, ...], text: str, **rest: Any) -> None:
        parser.add_argument(
            flag, action=_Override, path=path, dest=dest, default=argparse.SUPPRESS,
            help=argparse.SUPPRESS if dest == "after" else text, **rest,
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


def main(arguments: Sequence[str] | None = None) -> int:
    """Run panewatch and return its exit code: 0, 1 for a failure, 2 for wrong use.

    Raises:
        SystemExit: the arguments are wrong, or ask for help or the version.
    """
    _occupy_standard_descriptors()
    options = build_parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = options.run
    try:
        code = run(options)
        sys.stdout.flush()
    except ProblemsError as error:
        _complain(str(error))
        return USAGE
    except KeyboardInterrupt:
        return 128 + 2
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _SHUT_PIPE
    return code


def _load(options: argparse.Namespace) -> Config:
    file, overrides = _merge(options)
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


def _merge(options: argparse.Namespace) -> tuple[str | None, dict[str, Any]]:
    """Give the settings file and the nested settings that the flags stand for."""
    file: str | None = getattr(options, "file", None)
    overrides: dict[str, Any] = {}
    for path, value, repeated in _list_flags(options):
        if path == ("config.file",):
            file = getattr(options, "file", None) or value
            continue
        section = overrides
        for key in path[:-1]:
            section = section.setdefault(key, {})
        section[path[-1]] = [*section.get(path[-1], ()), value] if repeated else value
    return file, overrides


def _list_flags(options: argparse.Namespace) -> tuple[tuple[tuple[str, ...], Any, bool], ...]:
    """Return the flags as (key path, value, whether it adds to a list), in their order."""
    return (*getattr(options, "before", ()), *getattr(options, "after", ()))


def _serve(options: argparse.Namespace) -> int:
    from panewatch.server import ListenError  # noqa: PLC0415 - only serving needs these
    from panewatch.service import Service  # noqa: PLC0415

    config = _load(options)
    logs.configure(config.log)
    try:
        return Service(config, lambda: _load(options)).run()
    except (ListenError, RuntimeError) as error:
        _complain(str(error))
        return FAILED


def _scrape(options: argparse.Namespace) -> int:
    from panewatch.service import scrape  # noqa: PLC0415 - the quick subcommands do without

    config = _load(options)
    logs.configure(config.log)
    exposition, succeeded = scrape(config)
    sys.stdout.buffer.write(exposition)
    return OK if succeeded else FAILED


def _diagnose(options: argparse.Namespace) -> int:
    from panewatch.registry import diagnose, list_collectors  # noqa: PLC0415 - see above

    config = _load(options)
    logs.configure(config.log)
    code = OK
    for finding in diagnose(config, list_collectors()):
        mark = "ok    " if finding.ok else "failed"
        print(f"{mark} {logs.escape(finding.source)}: {logs.escape(finding.detail)}")
        code = code if finding.ok else FAILED
    return code


def _check_config(options: argparse.Namespace) -> int:
    from panewatch.verdict import check_files  # noqa: PLC0415 - see above

    file, _ = _merge(options)
    given = [value for path, value, _ in _list_flags(options) if path == ("config.file",)]
    if options.file and given:
        told = f"names another settings file than FILE, {options.file}: give one of them"
        raise ProblemsError([Problem("command line", 0, f"--config.file {given[-1]}", told)])
    try:
        config = _load(options)
    except ProblemsError:
        if file and web_config.resembles(file):
            told = "is a web configuration, no settings: check it as --web.config.file"
            raise ProblemsError([Problem(file, 0, "", told)]) from None
        raise
    check_files(config)
    defaults = "no settings file was given; defaults, environment and flags are good"
    print("the configuration is good" if file else defaults)
    return OK


def _add_explain_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "files", nargs="+", metavar="FILE", help="recorded text; - for the standard input"
    )
    parser.add_argument(
        "--output", choices=("text", "jsonl"), default="text", help="form of the output"
    )
    parser.add_argument(
        "--unmatched", action="store_true",
        help="group the lines that look like errors and that no rule knows",
    )  # fmt: skip


def _explain(options: argparse.Namespace) -> int:
    from panewatch.errors import printing  # noqa: PLC0415 - the other subcommands do without
    from panewatch.training.explain import ProgressNotes  # noqa: PLC0415 - see above

    book = _build_rulebook(_load(options))
    if options.unmatched:
        well = printing.group_unmatched(book, options.files, options.output)
    else:
        well = printing.print_events(book, options.files, options.output, ProgressNotes())
    return OK if well else FAILED


def _rules(options: argparse.Namespace) -> int:
    from panewatch.errors.printing import print_rules  # noqa: PLC0415

    print_rules(_build_rulebook(_load(options)))
    return OK


def _build_rulebook(config: Config) -> Rulebook:
    from panewatch.errors.loading import build_rulebook  # noqa: PLC0415

    return build_rulebook(config.errors)


def _add_screen_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "files", nargs="+", metavar="FILE", help="a recorded screen; - for the standard input"
    )
    parser.add_argument(
        "--output", choices=("text", "jsonl"), default="text", help="form of the output"
    )
    parser.add_argument(
        "--process", default="", metavar="NAME",
        help="name of the process that shows it; left out: the screen alone has to tell",
    )  # fmt: skip


def _screen(options: argparse.Namespace) -> int:
    from panewatch.panes.screens.printing import print_screens  # noqa: PLC0415 - see above

    book = _load_screens(_load(options))
    return OK if print_screens(book, options.files, options.output, options.process) else FAILED


def _load_screens(config: Config) -> ScreenBook:
    from panewatch.panes.screens import load_screens  # noqa: PLC0415

    return load_screens(config.panes)


def _add_trace_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "files", nargs="+", metavar="FILE",
        help="a trace of PyTorch's profiler, plain or packed by gzip; one of each rank",
    )  # fmt: skip
    parser.add_argument(
        "--output", choices=("text", "json"), default="text", help="form of the output"
    )
    parser.add_argument(
        "--top", type=int, choices=range(1, 1001), default=10, metavar="N",
        help="most rows of a table, up to 1000; without it 10",
    )  # fmt: skip
    parser.epilog = (
        "Exit code: 0 where all of them could be read, also where one is cut; 1 where one could "
        f"not; 2 where the arguments are wrong. {parser.epilog}"
    )


def _trace(options: argparse.Namespace) -> int:
    from panewatch.training.traces.printing import print_profiles  # noqa: PLC0415 - see above

    return OK if print_profiles(options.files, options.output, options.top) else FAILED


def _shell_init(options: argparse.Namespace) -> int:
    print(shell_init.render(options.shell, _load(options).panes.commands.directory), end="")
    return OK


def _config_schema(_options: argparse.Namespace) -> int:
    print(json.dumps(settings_file.json_schema(), indent=2))
    return OK


def _healthcheck(options: argparse.Namespace) -> int:
    from panewatch.healthcheck import check_health  # noqa: PLC0415 - nobody else needs it

    well, detail = check_health(_load(options).web)
    print(detail)
    return OK if well else FAILED


def _complain(text: str) -> None:
    print("\n".join(logs.escape(line) for line in text.splitlines()), file=sys.stderr)


def _occupy_standard_descriptors() -> None:
    """Open what is closed of 0, 1 and 2, or the next socket would get, say, the log's number."""
    while (lowest := os.open(os.devnull, os.O_RDWR)) <= 2:  # noqa: PLR2004 - standard error
        os.set_inheritable(lowest, True)
    os.close(lowest)
    sys.stdout = sys.stdout or Path(os.devnull).open("w")  # noqa: SIM115 - for good
    sys.stderr = sys.stderr or sys.stdout
