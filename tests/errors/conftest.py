from __future__ import annotations

import pytest

from panewatch.errors.pack import load_builtin
from panewatch.errors.rulebook import Rulebook


@pytest.fixture(scope="session")
def rulebook() -> Rulebook:
    """The built-in rules, compiled once."""
    return Rulebook(load_builtin())
