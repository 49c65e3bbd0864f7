"""What the arguments of ``panewatch experiments`` ask for, and what is said where it fails."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from panewatch import logs
from panewatch.experiments.settings import ExperimentsSettings
from panewatch.experiments.source import SourceError
from panewatch.experiments.stores.backup import BackupError
from panewatch.experiments.stores.opening import name_source
from panewatch.flags import load, merge
from panewatch.problems import Problem, ProblemsError

_ADVICE: Final = {
    "absent": "Is that its name, and of a table the region the right one?",
    "access": "A table has to allow DescribeTable, Scan, BatchGetItem and, where it is to be "
    "changed, BatchWriteItem.",
    "credentials": "Set experiments.dynamodb.region and profile, or renew the credentials.",
    "throttled": "Wait, or give the table more capacity, and try again.",
    "timeout": "Look at the network and at experiments.dynamodb.endpoint, and try again.",
    "unreachable": "Look at the network and at experiments.dynamodb.endpoint, and try again.",
    "server": "Try again.",
    "invalid": "Look whether it is what the settings say that it is.",
}
"""What to do, for each of `source.FAILURES`."""


class FailedError(Exception):
    """It could not be done; its text says why, and what to do."""


@dataclass(frozen=True)
class Request:
    """What is to be worked on.

    Attributes:
        settings: They name a source.
        source: It.
        name: What has to be confirmed before it is changed.
        confirmed: Whether that was done.
        again: The words that begin another command on the same.
    """

    settings: ExperimentsSettings
    source: str
    name: str
    confirmed: bool
    again: tuple[str, ...]

    def write_command(self, subcommand: str, *words: object) -> str:
        """Return a command on the same source, as a shell takes it."""
        return shlex.join(["panewatch", "experiments", subcommand, *self.again, *map(str, words)])


def read_request(options: argparse.Namespace) -> Request:
    """Return what the arguments ask for.

    Raises:
        ProblemsError: the settings are wrong, there is no source, or another one is confirmed.
    """
    given: str | None = options.source
    if given is not None:
        inner = (*getattr(options, "inner", ()), (("experiments", "source"), given, False))
        options = argparse.Namespace(**{**vars(options), "inner": inner})
    settings = load(options).experiments
    file, _ = merge(options)
    if settings.source is None:
        told = "is not set: give --source FILE|DIR|dynamodb://TABLE, or set it in the settings file"
        raise ProblemsError([Problem(file or "settings", 0, "experiments.source", told)])
    name = name_source(settings.source)
    confirmed: str | None = getattr(options, "confirm", None)
    if confirmed is not None and (confirmed != name or not name):
        told = f"is not the name of {settings.source}, and nothing was done"
        raise ProblemsError([Problem("command line", 0, "--confirm", told)])
    again = [*(("--config.file", file) if file else ()), *(("--source", given) if given else ())]
    return Request(settings, settings.source, name, confirmed is not None, tuple(again))


@contextmanager
def tell_failure(source: str) -> Iterator[None]:
    """Turn what can fail into a `FailedError` that names ``source`` and says what to do."""
    try:
        yield
    except SourceError as error:
        told = f"{source}: {error.reason}: {error.detail}. {_ADVICE[error.reason]}"
    except BackupError as error:
        told = str(error)
    else:
        return
    # Outside of the handler: nothing of the service's own words is carried along.
    raise FailedError(told)


@contextmanager
def tell_next(source: str, next_step: Callable[[], str]) -> Iterator[None]:
    """Say what to do next, where something is interrupted or fails in the middle."""
    try:
        with tell_failure(source):
            yield
    except KeyboardInterrupt:
        logs.complain(f"interrupted: {next_step()}")
        raise
    except FailedError as error:
        raise FailedError(f"{error}\n{next_step()}") from None
