"""Basic authentication against bcrypt hashes, at a bounded cost."""

from __future__ import annotations

import asyncio
import base64
import binascii
import enum
import hashlib
import hmac
import os
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

import bcrypt

from panewatch import background

if TYPE_CHECKING:
    from collections.abc import Mapping

CACHE_SIZE: Final = 100
MAX_CHECKS: Final = 16
_BCRYPT_BYTES: Final = 72  # bcrypt looks at no more, and newer versions raise for more


class Verdict(enum.Enum):
    """What became of the credentials of a request."""

    ALLOWED = "allowed"
    DENIED = "denied"
    BUSY = "busy"  # too many checks are waiting; nothing is known about this one


class BasicAuthentication:
    """Checks passwords one at a time in a thread, and remembers those that were right.

    What is remembered is a keyed digest of user, hash and password: no password stays
    in memory, a changed hash is a new question, and a wrong password is never kept,
    so that guessing neither fills the memory nor pushes a right one out.
    """

    def __init__(self) -> None:
        self._secret = os.urandom(32)
        self._right: OrderedDict[bytes, None] = OrderedDict()
        self._checks: dict[bytes, asyncio.Task[bool]] = {}
        self._one = asyncio.Lock()

    @property
    def remembered(self) -> int:
        """How many right passwords are remembered, at most ``CACHE_SIZE``."""
        return len(self._right)

    async def check(self, header: str, users: Mapping[str, bytes]) -> Verdict:
        """Judge an Authorization header; ``users`` is not empty."""
        credentials = _parse(header)
        if credentials is None:
            return Verdict.DENIED
        user, password = credentials
        known = users.get(user)
        # An unknown name is checked against the hash of some user, always the same
        # one for the same name, and fails: it takes the time that a known one takes.
        hashed = known or self._decoy(user, users)
        key = self._digest(user.encode("utf-8", "surrogatepass"), hashed, password)
        if key in self._right and known:
            self._right.move_to_end(key)
            return Verdict.ALLOWED
        check = self._checks.get(key)
        if check is None:
            if len(self._checks) >= MAX_CHECKS:
                return Verdict.BUSY
            check = asyncio.create_task(self._compare(password, hashed))
            self._checks[key] = check
            check.add_done_callback(lambda _: self._checks.pop(key, None))
        # Shielded, because others may wait for the same answer.
        if not await asyncio.shield(check) or not known:
            return Verdict.DENIED
        self._right[key] = None
        while len(self._right) > CACHE_SIZE:
            self._right.popitem(last=False)
        return Verdict.ALLOWED

    async def _compare(self, password: bytes, hashed: bytes) -> bool:
        async with self._one:
            return await background.call(lambda: _matches(password, hashed), "password")

    def _decoy(self, user: str, users: Mapping[str, bytes]) -> bytes:
        choice = self._digest(b"decoy", user.encode("utf-8", "surrogatepass"))
        hashes = sorted(users.values())
        return hashes[int.from_bytes(choice[:8], "big") % len(hashes)]

    def _digest(self, *parts: bytes) -> bytes:
        lengths = b",".join(b"%d" % len(part) for part in parts)
        return hmac.digest(self._secret, lengths + b":" + b"".join(parts), hashlib.sha256)


def _parse(header: str) -> tuple[str, bytes] | None:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
        return (user.decode(), password) if colon else None
    except (binascii.Error, ValueError):
        return None


def _matches(password: bytes, hashed: bytes) -> bool:
    try:
        return bcrypt.checkpw(password[:_BCRYPT_BYTES], hashed)
    except ValueError:  # a password with NUL, for older versions of bcrypt
        return False
