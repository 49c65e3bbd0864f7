"""Ids of experiments as labels: whoever writes items chooses them."""

from __future__ import annotations

import hashlib
import re
from typing import Final

_PLAIN: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_DIGEST: Final = re.compile(r"x-[0-9a-f]{10}")


def name_id(text: str) -> str:
    """Return the label of the experiment with the id ``text``.

    A plain id, up to 64 letters, digits, dots, dashes and underscores, is its own label. Of any
    other only ``x-`` and the first ten hexadecimal digits of its SHA-256 are shown. A plain id
    that looks like that is not taken for another's label.
    """
    if _PLAIN.fullmatch(text) and not _DIGEST.fullmatch(text):
        return text
    digest = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
    return f"x-{digest[:10]}"
