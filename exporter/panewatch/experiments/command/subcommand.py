"""``panewatch experiments``: what its subcommands take, and which part does it."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from panewatch import logs
from panewatch.flags import add_flags, count_up_to

_EPILOG: Final = "It takes the flags of `panewatch` too. `panewatch --help` lists them."
_EXIT_CODES: Final = (
    "Exit code: 0 where all went well, or nothing was to be done; 1 where something failed or is "
    "not as it should be; 2 where the settings or the arguments are wrong, and nothing was done."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the subcommands of ``experiments`` to its parser."""
    parser.epilog = _EXIT_CODES
    subcommands = parser.add_subparsers(metavar="SUBCOMMAND", title="subcommands", required=True)

    def add(
        name: str, text: str, run: Callable[[argparse.Namespace], int]
    ) -> argparse.ArgumentParser:
        each = subcommands.add_parser(
            name, help=text, description=text, epilog=_EPILOG, allow_abbrev=False
        )
        each.set_defaults(run=run)
        add_flags(each, "inner")
        each.add_argument(
            "--source", type=_name_source, metavar="FILE|DIR|dynamodb://TABLE",
            help="what is read, instead of `experiments.source`",
        )  # fmt: skip
        return each

    _add_list(add("list", "list the newest experiments", _list))
    _add_verdict(add("verdict", "tell how the search goes, why, and what to do", _verdict))
    backup = add("backup", "write every item, whole, to a new file", _back_up)
    backup.add_argument(
        "backup", nargs="?", type=Path, metavar="FILE",
        help="where to; without it a new file in "
        "`${XDG_STATE_HOME:-~/.local/state}/panewatch/backups`",
    )  # fmt: skip
    purge = add("purge", "back up every item, then delete it; without --confirm only tell", _purge)
    purge.add_argument(
        "--resume", type=Path, metavar="BACKUP",
        help="go on with a purge that was interrupted: delete what is in its backup",
    )  # fmt: skip
    restore = add("restore", "put a backup back; without --confirm only check it", _restore)
    restore.add_argument("backup", type=Path, metavar="BACKUP", help="the backup")
    restore.add_argument(
        "--merge", action="store_true",
        help="also where there is something: it is left as it is, and the rest is added",
    )  # fmt: skip
    for each in (purge, restore):
        each.add_argument(
            "--confirm", metavar="NAME",
            help="do it; NAME is that of the table, the file or the directory",
        )  # fmt: skip


def _add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--output", choices=("text", "json"), default="text", help="form of the output"
    )


def _add_list(parser: argparse.ArgumentParser) -> None:
    _add_output(parser)
    parser.add_argument(
        "--newest", type=count_up_to(10_000), default=20, metavar="N",
        help="most experiments that are listed, up to 10000; without it 20",
    )  # fmt: skip


def _add_verdict(parser: argparse.ArgumentParser) -> None:
    _add_output(parser)
    parser.add_argument(
        "--check", action="store_true", help="exit with 1 where it is fix or restart"
    )


def _name_source(text: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError("there is nothing of an empty name")
    return text if text.startswith("dynamodb://") else os.path.abspath(text)  # noqa: PTH100 - links stay


def _list(options: argparse.Namespace) -> int:
    from panewatch.experiments.command.showing import show_list  # noqa: PLC0415 - only this needs it

    return _try(show_list, options)


def _verdict(options: argparse.Namespace) -> int:
    from panewatch.experiments.command.showing import show_verdict  # noqa: PLC0415 - see above

    return _try(show_verdict, options)


def _back_up(options: argparse.Namespace) -> int:
    from panewatch.experiments.command.operations import back_up  # noqa: PLC0415 - see above

    return _try(back_up, options)


def _purge(options: argparse.Namespace) -> int:
    from panewatch.experiments.command.operations import purge  # noqa: PLC0415 - see above

    return _try(purge, options)


def _restore(options: argparse.Namespace) -> int:
    from panewatch.experiments.command.operations import restore  # noqa: PLC0415 - see above

    return _try(restore, options)


def _try(run: Callable[[argparse.Namespace], int], options: argparse.Namespace) -> int:
    from panewatch.experiments.command.request import FailedError  # noqa: PLC0415 - see above

    try:
        return run(options)
    except FailedError as error:
        logs.complain(str(error))
        return 1
