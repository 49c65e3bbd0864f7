"""The packs of screens that all servers' panes are read by."""

from __future__ import annotations

from panewatch.config import Config
from panewatch.panes.screens.book import ScreenBook
from panewatch.panes.screens.loading import load_screens


class ScreensInUse:
    """The book in use; another one takes its place when the configuration is read again."""

    def __init__(self) -> None:
        self._book: ScreenBook | None = None
        self._next: tuple[Config, ScreenBook] | None = None
        self._builtin: ScreenBook | None = None
        """The book without any pack of the user's: it is the same at every reload."""

    def prepare(self, config: Config) -> None:
        """Read the packs that ``config`` asks for; the next `find` for it puts them to use.

        Raises:
            ScreensError: a pack is bad; those in use stay.
        """
        own = bool(config.panes.screens.packs)
        book = None if own else self._builtin
        if book is None:
            book = load_screens(config.panes)
        if not own:
            self._builtin = book
        self._next = config, book

    def find(self, config: Config) -> ScreenBook:
        """Return the book for ``config``: what was prepared for it, or else what is in use.

        Raises:
            RuntimeError: nothing was prepared yet.
        """
        prepared = self._next
        if prepared is not None and prepared[0] is config:
            self._book, self._next = prepared[1], None
        if self._book is None:
            raise RuntimeError("the screens were not prepared")
        return self._book
