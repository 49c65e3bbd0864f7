"""Which packs are in use, from one configuration to the next."""

from __future__ import annotations

from pathlib import Path

import pytest

from panewatch.config import Config
from panewatch.panes.screens import ScreensError, packfile
from panewatch.panes.screens.in_use import ScreensInUse

BUILTIN = Path(packfile.__file__).with_name("packs")


def configure(*packs: Path) -> Config:
    return Config.model_validate({"panes": {"screens": {"packs": [str(path) for path in packs]}}})


def test_without_packs_of_the_users_nothing_is_read_again() -> None:
    screens, first, second = ScreensInUse(), configure(), configure()
    screens.prepare(first)
    book = screens.find(first)
    screens.prepare(second)
    assert screens.find(second) is book


def test_a_bad_pack_leaves_what_is_in_use(tmp_path: Path) -> None:
    screens, good, bad = ScreensInUse(), configure(), configure(tmp_path / "absent.yaml")
    screens.prepare(good)
    book = screens.find(good)
    with pytest.raises(ScreensError):
        screens.prepare(bad)
    assert screens.find(good) is book


def test_what_was_prepared_counts_once_it_is_asked_for() -> None:
    screens, used, other = ScreensInUse(), configure(), configure(BUILTIN / "editors.yaml")
    screens.prepare(used)
    book = screens.find(used)
    screens.prepare(other)
    assert screens.find(used) is book
    mine = screens.find(other)
    assert mine is not book
    assert screens.find(configure()) is mine


def test_nothing_is_found_before_anything_was_prepared() -> None:
    with pytest.raises(RuntimeError):
        ScreensInUse().find(configure())
