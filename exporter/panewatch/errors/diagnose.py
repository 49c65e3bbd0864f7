"""What ``panewatch diagnose`` tells of the rules."""

from __future__ import annotations

from collections.abc import Iterator

from panewatch.config import Config
from panewatch.diagnose import Finding
from panewatch.errors.loading import build_rulebook
from panewatch.problems import ProblemsError


def diagnose(config: Config) -> Iterator[Finding]:
    """Read all rules once and tell how many there are, or what is wrong with them."""
    try:
        rulebook = build_rulebook(config.errors)
    except ProblemsError as error:
        for problem in error.problems:
            yield Finding("errors", ok=False, detail=str(problem))
    else:
        counts = ", ".join(f"{len(rules)} {kind}" for kind, rules in rulebook.by_kind.items())
        yield Finding("errors", ok=True, detail=f"{len(rulebook.rules)} rules in use: {counts}")
