"""What may be kept of a text: enough to know it again, and nothing to read."""

from __future__ import annotations

import hashlib
from typing import Final

_BYTES: Final = 12

LENGTH: Final = 2 * _BYTES
"""Characters of a digest."""


def digest(text: str) -> str:
    """Return what only the same text gives again, in hexadecimal digits; of no text nothing."""
    if not text:
        return ""
    return hashlib.blake2b(text.encode(errors="replace"), digest_size=_BYTES).hexdigest()
