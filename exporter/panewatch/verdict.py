"""Whether what the settings name can be used: rules, screens and the web configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from panewatch import web_config
from panewatch.errors.loading import build_rulebook
from panewatch.panes.screens import load_screens
from panewatch.problems import check_all

if TYPE_CHECKING:
    from panewatch.config import Config


def check_files(config: Config) -> None:
    """Read every file that the settings name, also for collectors that do not run.

    Raises:
        ProblemsError: with everything that is wrong with any of them.
    """
    web = config.web.config_file
    check_all(
        (
            lambda: web and web_config.load(web),
            lambda: build_rulebook(config.errors),
            lambda: load_screens(config.panes),
        )
    )
