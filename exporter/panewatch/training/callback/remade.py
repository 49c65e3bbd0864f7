"""What begins anew in a copy of it."""

from __future__ import annotations

from typing import Any


class Remade:
    """Something that another process gets as what it was made from, and that begins anew there."""

    _options: dict[str, Any]

    def __getstate__(self) -> dict[str, Any]:
        """Give what it was made from."""
        return self._options

    def __setstate__(self, options: dict[str, Any]) -> None:
        self.__init__(**options)  # type: ignore[misc]  # the same class, from what it was made from
