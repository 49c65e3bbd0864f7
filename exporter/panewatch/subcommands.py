"""The subcommands: what each takes, and which part of panewatch does it. No logic."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from panewatch import logs, settings_file, web_config
from panewatch.experiments.command.subcommand import add_arguments as add_experiments_arguments
from panewatch.flags import count_up_to, list_flags, load, merge
from panewatch.panes.commands import shell_init
from panewatch.panes.commands.shell_init import SHELLS
from panewatch.problems import Problem, ProblemsError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from panewatch.config import Config
    from panewatch.errors.rulebook import Rulebook
    from panewatch.panes.screens import ScreenBook

OK: Final = 0
FAILED: Final = 1
USAGE: Final = 2


@dataclass(frozen=True)
class Subcommand:
    """One subcommand.

    Attributes:
        name: How it is called.
        run: Does it, and gives the exit code; None where it has subcommands that do.
        text: What it does, for its help.
        add_arguments: Adds what it takes besides the flags that all of them have.
    """

    name: str
    run: Callable[[argparse.Namespace], int] | None
    text: str
    add_arguments: Callable[[argparse.ArgumentParser], None] = lambda _: None


def serve(options: argparse.Namespace) -> int:
    """Run the exporter until it is told to end; give the exit code."""
    from panewatch.server import ListenError  # noqa: PLC0415 - only serving needs these
    from panewatch.service import Service  # noqa: PLC0415

    config = load(options)
    logs.configure(config.log)
    try:
        return Service(config, lambda: load(options)).run()
    except (ListenError, RuntimeError) as error:
        logs.complain(str(error))
        return FAILED


def _scrape(options: argparse.Namespace) -> int:
    from panewatch.service import scrape  # noqa: PLC0415 - the quick subcommands do without

    config = load(options)
    logs.configure(config.log)
    exposition, succeeded = scrape(config)
    sys.stdout.buffer.write(exposition)
    return OK if succeeded else FAILED


def _diagnose(options: argparse.Namespace) -> int:
    from panewatch.registry import diagnose, list_collectors  # noqa: PLC0415 - see above

    config = load(options)
    logs.configure(config.log)
    code = OK
    for finding in diagnose(config, list_collectors()):
        mark = "ok    " if finding.ok else "failed"
        print(f"{mark} {logs.escape(finding.source)}: {logs.escape(finding.detail)}")
        code = code if finding.ok else FAILED
    return code


def _add_check_config_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", nargs="?", metavar="FILE", help="the settings file")


def _check_config(options: argparse.Namespace) -> int:
    from panewatch.verdict import check_files  # noqa: PLC0415 - see above

    file, _ = merge(options)
    given = [value for path, value, _ in list_flags(options) if path == ("config.file",)]
    if options.file and given:
        told = f"names another settings file than FILE, {options.file}: give one of them"
        raise ProblemsError([Problem("command line", 0, f"--config.file {given[-1]}", told)])
    try:
        config = load(options)
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

    book = _build_rulebook(load(options))
    if options.unmatched:
        well = printing.group_unmatched(book, options.files, options.output)
    else:
        well = printing.print_events(book, options.files, options.output, ProgressNotes())
    return OK if well else FAILED


def _rules(options: argparse.Namespace) -> int:
    from panewatch.errors.printing import print_rules  # noqa: PLC0415

    print_rules(_build_rulebook(load(options)))
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

    book = _load_screens(load(options))
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
        "--top", type=count_up_to(1000), default=10, metavar="N",
        help="most rows of a table, up to 1000; without it 10",
    )  # fmt: skip
    parser.epilog = (
        "Exit code: 0 where all of them could be read, also where one is cut; 1 where one could "
        "not; 2 where the arguments are wrong."
    )


def _trace(options: argparse.Namespace) -> int:
    from panewatch.training.traces.printing import print_profiles  # noqa: PLC0415 - see above

    return OK if print_profiles(options.files, options.output, options.top) else FAILED


def _add_shell_init_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "shell", choices=SHELLS, metavar="SHELL", help=f"{', '.join(SHELLS[:-1])} or {SHELLS[-1]}"
    )


def _shell_init(options: argparse.Namespace) -> int:
    print(shell_init.render(options.shell, load(options).panes.commands.directory), end="")
    return OK


def _config_schema(_options: argparse.Namespace) -> int:
    print(json.dumps(settings_file.json_schema(), indent=2))
    return OK


def _describe_healthcheck(parser: argparse.ArgumentParser) -> None:
    parser.epilog = (
        "Exit code: 0 where it answers, also where it asks for a password or a client "
        "certificate; 1 where it does not; 2 where the settings or the arguments are wrong."
    )


def _healthcheck(options: argparse.Namespace) -> int:
    from panewatch.healthcheck import check_health  # noqa: PLC0415 - nobody else needs it

    well, detail = check_health(load(options).web)
    print(detail)
    return OK if well else FAILED


SUBCOMMANDS: Final = (
    Subcommand("serve", serve, "run the exporter; the default"),
    Subcommand("scrape", _scrape, "sample every collector once and print the exposition"),
    Subcommand("diagnose", _diagnose, "tell what can be read here, and why not, by reading it"),
    Subcommand(
        "check-config",
        _check_config,
        "check the settings and the web configuration",
        _add_check_config_arguments,
    ),
    Subcommand(
        "explain",
        _explain,
        "tell which rule takes which line of recorded text, and why",
        _add_explain_arguments,
    ),
    Subcommand("rules", _rules, "list the rules in use"),
    Subcommand(
        "screen",
        _screen,
        "tell what recorded screens say of their programs' state",
        _add_screen_arguments,
    ),
    Subcommand(
        "trace",
        _trace,
        "tell from profiler traces where the time of a training goes",
        _add_trace_arguments,
    ),
    Subcommand(
        "shell-init",
        _shell_init,
        "print what a shell reads at its start to report its commands",
        _add_shell_init_arguments,
    ),
    Subcommand(
        "experiments",
        None,
        "list, judge, back up, purge or restore the experiments of a search",
        add_experiments_arguments,
    ),
    Subcommand("config-schema", _config_schema, "print the JSON Schema of the settings file"),
    Subcommand(
        "healthcheck",
        _healthcheck,
        "ask whether the exporter of these settings answers",
        _describe_healthcheck,
    ),
)
"""Every subcommand, in the order of the help."""
