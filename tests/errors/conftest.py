from __future__ import annotations

from collections.abc import Iterator

import pytest

from panewatch.errors.pack import load_builtin
from panewatch.errors.rulebook import Rulebook


@pytest.fixture(scope="session", autouse=True)
def private_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what is compiled out of the user's own folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def rulebook() -> Rulebook:
    """The built-in rules, compiled once."""
    return Rulebook(load_builtin())
