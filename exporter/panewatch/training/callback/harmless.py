"""A training must not fail because it is measured."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import ParamSpec

P = ParamSpec("P")

_log = logging.getLogger("panewatch")


def harmless(function: Callable[P, None]) -> Callable[P, None]:
    """Have a function do nothing where it would raise; why goes to the log, for debugging."""

    @functools.wraps(function)
    def guarded(*arguments: P.args, **named: P.kwargs) -> None:
        try:
            function(*arguments, **named)
        except Exception:  # noqa: BLE001  # a framework of another version, or a strange batch
            _log.debug("%s: not measured", function.__qualname__, exc_info=True)

    return guarded
