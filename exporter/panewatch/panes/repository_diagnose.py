"""Whether there is a git that tells about repositories."""

from __future__ import annotations

import time
from collections.abc import Iterator

from panewatch.config import Config
from panewatch.diagnose import Finding
from panewatch.panes.git import Git, GitError, NoRepositoryError

_ADVICE = {
    "binary": "install git, set repositories.binary, or switch collectors.repositories off",
    "timeout": "git does not answer",
}


def diagnose(config: Config) -> Iterator[Finding]:
    """Start git once."""
    settings = config.repositories
    try:
        told = Git(settings.binary).ask(
            "/", "version", deadline=time.monotonic() + settings.timeout
        )
    except NoRepositoryError:
        yield Finding("git", ok=False, detail="error: it does not tell its version")
    except GitError as error:
        advice = _ADVICE.get(error.reason, "it does not tell its version")
        yield Finding("git", ok=False, detail=f"{error.reason}: {advice}")
    else:
        yield Finding("git", ok=True, detail=told.decode(errors="replace").strip())
