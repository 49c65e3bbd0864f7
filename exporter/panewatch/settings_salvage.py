"""What can be used of settings that are partly wrong, so that all of it is looked at at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from panewatch.problems import Path

_GONE: Final = object()
"""Stands where an item of a list was taken out, so that the others keep their numbers."""


class Salvage:
    """Merged settings, out of which what is wrong is taken piece by piece.

    Args:
        value: The settings; they are copied.
    """

    def __init__(self, value: dict[str, Any]) -> None:
        self._value: dict[str, Any] = _thaw(value)
        self._taken: set[Path] = set()

    def freeze(self) -> Any:
        """Return what is left, with tuples for lists: strict validation takes no list."""
        return _freeze(self._value)

    def trace(self, path: Path) -> Path:
        """Turn a path in what `freeze` returned into the one at which it was written."""
        found: list[str | int] = []
        value: Any = self._value
        for part in path:
            place = part
            if isinstance(value, list) and isinstance(part, int):
                place = [i for i, item in enumerate(value) if item is not _GONE][part]
            found.append(place)
            value = value[place] if self.holds(tuple(found)) else None
        return tuple(found)

    def holds(self, path: Path) -> bool:
        """Tell whether something stands at a path."""
        value: Any = self._value
        for part in path:
            if isinstance(value, dict):
                value = value.get(part, _GONE)
            elif isinstance(value, list) and isinstance(part, int) and part < len(value):
                value = value[part]
            else:
                return False
            if value is _GONE:
                return False
        return True

    def lacks(self, path: Path) -> bool:
        """Tell whether something was taken out at a path, above it or below it."""
        return any(path[: len(taken)] == taken[: len(path)] for taken in self._taken)

    def take_out(self, paths: Iterable[Path]) -> None:
        """Take out what stands at paths; where nothing does, what stands above it."""
        for path in paths:
            self._taken.add(path)
            here = path
            while here and not self.holds(here):
                here = here[:-1]
            if not here:
                self._value.clear()
                continue
            *above, last = here
            target: Any = self._value
            for part in above:
                target = target[part]
            if isinstance(target, dict):
                del target[last]
            else:
                target[last] = _GONE


def _thaw(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _thaw(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_thaw(item) for item in value]
    return value


def _freeze(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _freeze(item) for key, item in value.items()}
    if isinstance(value, list):
        return tuple(_freeze(item) for item in value if item is not _GONE)
    return value
