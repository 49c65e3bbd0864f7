"""``panewatch experiments list`` and ``verdict``: one look at the source, and what it tells."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from panewatch.experiments.command.look import look
from panewatch.experiments.command.printing import (
    Listing,
    describe_verdict,
    print_lines,
    print_object,
    write_verdict,
)
from panewatch.experiments.command.progress import Progress
from panewatch.experiments.command.request import read_request, tell_failure
from panewatch.experiments.figures import compute
from panewatch.experiments.plan import expect
from panewatch.experiments.settings import ExperimentsSettings
from panewatch.experiments.source import Whole
from panewatch.experiments.verdict import judge

_BAD: Final = frozenset({"fix", "restart"})


def show_list(options: argparse.Namespace) -> int:
    """Print the newest experiments; give the exit code.

    Raises:
        ProblemsError: the settings or arguments are wrong.
        FailedError: the source cannot be read.
    """
    request = read_request(options)
    with _look(request.settings) as whole:
        listing = Listing(whole, options.newest)
    if options.output == "json":
        print_object(listing.describe())
    else:
        print_lines(listing.write())
    return 0


def show_verdict(options: argparse.Namespace) -> int:
    """Print the verdict, its reason and its figures; give the exit code.

    Raises:
        ProblemsError: the settings or arguments are wrong.
        FailedError: the source cannot be read.
    """
    request = read_request(options)
    settings = request.settings
    with _look(settings) as whole:
        figures = compute(whole.experiments, settings, whole.left_out)
        skipped = whole.skipped
    verdict = judge(figures, settings)
    plan = None
    if figures.started is not None:
        plan = expect(figures.started, time.time(), settings.plan)
    if options.output == "json":
        print_object(describe_verdict(verdict, figures, plan, skipped))
    else:
        print_lines(write_verdict(verdict, figures, plan, skipped))
    return 1 if options.check and verdict.verdict in _BAD else 0


@contextmanager
def _look(settings: ExperimentsSettings) -> Iterator[Whole]:
    failing = tell_failure(settings.source or "")
    with failing, Progress("items read") as progress, look(settings, progress.note) as whole:
        yield whole
