"""From settings to the packs in use: the built-in ones and the user's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from panewatch.config import PanesSettings
from panewatch.panes.screens.book import ScreenBook
from panewatch.panes.screens.pack import Pack
from panewatch.panes.screens.packfile import ScreensError, load_builtin, load_file
from panewatch.panes.screens.trial import check_examples
from panewatch.problems import Problem


def load_screens(settings: PanesSettings) -> ScreenBook:
    """Read and compile the packs that are used: a user's pack replaces ours of the same id.

    Raises:
        ScreensError: with everything that is wrong with the user's packs, their examples
            included.
    """
    own: list[Pack] = []
    problems: list[Problem] = []
    for path in settings.screens.packs:
        try:
            own.append(load_file(path))
        except ScreensError as error:
            problems += error.problems
    problems += _find_twice(own)
    if problems:
        raise ScreensError(problems)
    replaced = {pack.id for pack in own}
    book = ScreenBook([*(pack for pack in load_builtin() if pack.id not in replaced), *own])
    failed = list(check_examples(book, own))
    if failed:
        raise ScreensError(failed)
    return book


def _find_twice(packs: Iterable[Pack]) -> Iterator[Problem]:
    seen: dict[str, Pack] = {}
    for pack in packs:
        other = seen.setdefault(pack.id, pack)
        if other is not pack:
            told = f"`{pack.id}` is the id of the pack {other.origin} too"
            yield Problem(pack.origin, 1, "id", told)
