"""Screens: what a program's screen tells of its state, by packs that are data."""

from __future__ import annotations

from panewatch.panes.screens.book import ScreenBook
from panewatch.panes.screens.loading import load_screens
from panewatch.panes.screens.packfile import ScreensError

__all__ = ["ScreenBook", "ScreensError", "load_screens"]
