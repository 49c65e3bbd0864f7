"""``panewatch experiments backup``, ``purge`` and ``restore``, step by step."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from panewatch.experiments.command.look import look
from panewatch.experiments.command.printing import print_lines, say_skipped, write_time
from panewatch.experiments.command.progress import Progress
from panewatch.experiments.command.request import (
    FailedError,
    Request,
    read_request,
    tell_failure,
    tell_next,
)
from panewatch.experiments.figures import compute
from panewatch.experiments.stores.backup import Backup, check_backup
from panewatch.experiments.stores.backup_writing import make_folder, name_backup, write_backup
from panewatch.experiments.stores.opening import open_store
from panewatch.experiments.stores.purge import Purged
from panewatch.experiments.stores.purge import purge as empty
from panewatch.experiments.stores.restore import OccupiedError, check_fit
from panewatch.experiments.stores.restore import restore as fill
from panewatch.experiments.stores.store import Store
from panewatch.experiments.verdict import judge, say_count


def back_up(options: argparse.Namespace) -> int:
    """Write a backup, and say where it is; give the exit code.

    Raises:
        ProblemsError: the settings or arguments are wrong.
        FailedError: the source cannot be read, or the file not be written.
    """
    request = read_request(options)
    with _open(request) as store:
        _write(request, store, options.backup)
    return 0


def purge(options: argparse.Namespace) -> int:
    """Back up the source and delete what is in it, or say what would be; give the exit code.

    Raises:
        ProblemsError: the settings or arguments are wrong.
        FailedError: it did not come to its end.
    """
    request = read_request(options)
    resumed: Path | None = options.resume
    if not request.confirmed:
        with tell_failure(request.source):
            print_lines(_tell_resumed(request, resumed) if resumed else _tell_purge(request))
        return 0
    with _open(request) as store:
        if resumed is None:
            with tell_next(request.source, lambda: "nothing was deleted"):
                # Not is_empty: a file that is not there has nothing, and was never emptied.
                if next(store.read(), None) is None:
                    print_lines(iter([f"{request.source} is empty already"]))
                    return 0
                backup = _write(request, store, None)
        else:
            backup = _check(resumed)
        again = request.write_command("purge", "--resume", backup.path, "--confirm", request.name)
        failing = tell_next(request.source, lambda: f"to go on: {again}")
        with failing, Progress("items dealt with") as progress:
            purged = empty(store, backup, progress.note)
    print_lines(_tell_purged(request, backup, purged))
    return 1 if purged.left else 0


def restore(options: argparse.Namespace) -> int:
    """Put a backup back, or say what would be; give the exit code.

    Raises:
        ProblemsError: the settings or arguments are wrong.
        FailedError: it did not come to its end.
    """
    request = read_request(options)
    merge: bool = options.merge
    with _open(request) as store:
        backup = _check(options.backup)
        check_fit(store, backup)
        if not request.confirmed:
            print_lines(_tell_restore(request, backup, merge=merge, empty=store.is_empty()))
            return 0
        again = request.write_command("restore", backup.path, "--merge", "--confirm", request.name)
        try:
            failing = tell_next(request.source, lambda: f"to go on: {again}")
            with failing, Progress("items dealt with") as progress:
                filling = fill(store, backup, progress.note, merge=merge)
        except OccupiedError:
            raise FailedError(
                f"{request.source} is not empty, and nothing was written. With --merge what is "
                "there is left as it is, and the rest is added."
            ) from None
    told = f"{filling.written} of {backup.count} items written to {request.source} and read back"
    print_lines(iter([told]))
    if filling.kept:
        print_lines(iter([f"left as they are, as they were there already: {filling.kept}"]))
    if filling.lost:
        raise FailedError(
            f"{filling.lost} are not there as they were written: does somebody else write there?"
        )
    return 0


@contextmanager
def _open(request: Request) -> Iterator[Store]:
    source = request.source
    with tell_failure(source), closing(open_store(request.settings, source)) as store:
        yield store


def _write(request: Request, store: Store, file: Path | None) -> Backup:
    path = file or name_backup(request.name, make_folder(os.environ))
    with Progress("items backed up") as progress:
        backup = write_backup(path.absolute(), store.origin, store.read(), progress.note)
    print_lines(
        iter([f"{backup.path} holds {say_count(backup.count, 'item')} of {request.source}"])
    )
    return backup


def _check(path: Path) -> Backup:
    with Progress("items checked") as progress:
        return check_backup(path.absolute(), progress.note)


def _tell_purge(request: Request) -> Iterator[str]:
    with Progress("items read") as progress, look(request.settings, progress.note) as whole:
        figures = compute(whole.experiments, request.settings, whole.left_out)
        skipped = whole.skipped
    statuses = ", ".join(f"{count} {status}" for status, count in figures.statuses.items() if count)
    yield f"this would back up, and then delete, all of {request.source}:"
    yield f"  experiments: {statuses or 'none'}"
    if skipped:
        yield f"  {say_skipped(skipped)} (they are deleted, too)"
    if figures.newest:
        yield f"  the newest result: {write_time(figures.newest[-1].time)} UTC"
    verdict = judge(figures, request.settings)
    yield f"  verdict: {verdict.verdict} ({verdict.reason}). {verdict.detail}"
    yield "nothing was deleted. Stop what writes there; then, to do it:"
    yield f"  {request.write_command('purge', '--confirm', request.name)}"


def _tell_resumed(request: Request, resumed: Path) -> Iterator[str]:
    backup = _check(resumed)
    yield f"what is there still of {backup.path} would be deleted from {request.source}:"
    yield f"  it is whole, {say_count(backup.count, 'item')} of {backup.time}"
    yield "nothing was deleted. To do it:"
    words = ("--resume", backup.path, "--confirm", request.name)
    yield f"  {request.write_command('purge', *words)}"


def _tell_purged(request: Request, backup: Backup, purged: Purged) -> Iterator[str]:
    removal = purged.removal
    gone = f", {removal.absent} were gone already" if removal.absent else ""
    yield f"{removal.removed} of {backup.count} items removed{gone}"
    for place in sorted(removal.places):
        yield f"the file as it was is now {place}"
    if purged.left:
        changed = f", {removal.changed} of them of the backup" if removal.changed else ""
        came = say_count(purged.left, "item")
        yield f"{came} came or changed since the backup{changed}: nothing of that was deleted"
        yield "stop what writes there, and look at them with `panewatch experiments list`"
    else:
        yield f"{request.source} is empty"


def _tell_restore(request: Request, backup: Backup, *, merge: bool, empty: bool) -> Iterator[str]:
    count = say_count(backup.count, "item")
    yield f"{backup.path} is whole: {count} of {backup.origin.source}, {backup.time}"
    words = [backup.path, *(["--merge"] if merge or not empty else []), "--confirm", request.name]
    if not empty:
        yield f"{request.source} is not empty: what is there is left as it is, the rest is added"
    yield "nothing was written. To do it:"
    yield f"  {request.write_command('restore', *words)}"
