"""Experiments in files of JSON lines, one file or a directory of them, read on as they grow."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Final, Self

from panewatch.experiments.files.line_file import Line, LineFile, ReplacedError, identify
from panewatch.experiments.files.plain_file import explain, open_plain
from panewatch.experiments.items.decoding import Decoder
from panewatch.experiments.items.paths import SkippedError, decode_json
from panewatch.experiments.ledger import Ledger, Reading
from panewatch.experiments.settings import ItemSettings
from panewatch.experiments.source import ReadCounts, SourceError, Whole

SUFFIX: Final = ".jsonl"
_MOST_FILES: Final = 10_000


class JsonLines:
    """A file, or the files ``*.jsonl`` of a directory, each line an item.

    A later line replaces an earlier one with its id; of files the one that was last written is
    the later. Only what was appended is read; where a file was replaced, cut or removed all are
    read anew.

    Args:
        path: The file or directory.
        settings: Where in an item what stands.
        clock: Gives Unix seconds.
        monotonic: Gives seconds by which the time of a reading is bounded.
    """

    def __init__(
        self,
        path: Path,
        settings: ItemSettings,
        *,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.counts = ReadCounts()
        self._path = path
        self._decoder = Decoder(settings)
        self._clock = clock
        self._monotonic = monotonic
        self._ledger = Ledger()
        self._files: dict[str, LineFile] = {}
        self._reading: Reading | None = None
        self._whole: Whole | None = None

    def read(self, seconds: float) -> Whole | None:
        """Read on; see `panewatch.experiments.source.Source`."""
        deadline = self._monotonic() + seconds
        try:
            return self._read(deadline)
        except ReplacedError:
            self._files.clear()
            self._reading = None
        except OSError as error:
            self._forget_place()
            raise explain(error) from None
        except SourceError:
            self._forget_place()
            raise
        return self.read(deadline - self._monotonic())

    def close(self) -> None:
        """Forget what was read; no file stays open between readings."""
        self._forget_place()
        self._ledger = Ledger()

    def _forget_place(self) -> None:
        self._files.clear()
        self._reading = self._whole = None

    def _read(self, deadline: float) -> Whole | None:
        with _Directory(self._path) as directory:
            found = directory.list()
            if any(name not in found for name in self._files):
                raise ReplacedError
            grown = [
                name for name, seen in found.items()
                if name not in self._files or self._files[name].seen != seen
            ]  # fmt: skip
            if not grown and self._files and self._reading is None:
                self._whole = self._ledger.whole(self._clock())
                return self._whole
            if self._reading is None:
                self._reading = self._ledger.begin(everything=not self._files)
            for name in grown:
                descriptor = directory.open(name)
                try:
                    ended = self._read_file(name, descriptor, self._reading, deadline)
                finally:
                    os.close(descriptor)
                if not ended:
                    return self._whole
        self._ledger.finish(self._reading)
        self._reading = None
        self._whole = self._ledger.whole(self._clock())
        return self._whole

    def _read_file(self, name: str, descriptor: int, reading: Reading, deadline: float) -> bool:
        """Read a file to the end that it has now; False where the time was up before."""
        file = self._files.setdefault(name, LineFile())
        seen = identify(os.fstat(descriptor))
        if file.seen is not None and (file.seen[:2] != seen[:2] or file.seen[2] == seen[2]):
            raise ReplacedError  # one that was written and has not grown was written over
        size, stem = file.check(descriptor), name.removesuffix(SUFFIX)
        now = self._clock()
        while (lines := file.take(descriptor, size)) is not None:
            for line in lines:
                self._take_in(line, f"{stem}-{line.number}", reading, now)
            if self._monotonic() >= deadline:
                return False
        file.seen = seen
        return True

    def _take_in(self, line: Line, place: str, reading: Reading, now: float) -> None:
        if line.data is not None and not line.data.strip():
            return
        self.counts.items += 1
        if line.data is None:
            reading.skipped["size"] += 1
            return
        try:
            reading.add(self._decoder.decode(decode_json(line.data), now=now, place=place))
        except SkippedError as refused:
            reading.skipped[refused.reason] += 1


class _Directory:
    """The directory that is read, or the one file as if it stood alone in one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def __enter__(self) -> Self:
        if stat.S_ISDIR(self._path.stat().st_mode):
            flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
            self._descriptor = os.open(self._path, flags)
        return self

    def __exit__(self, *_: object) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)

    def list(self) -> dict[str, tuple[int, int, int, int]]:
        """Return name and `identify` of each file, the one that was last written last."""
        if self._descriptor is None:
            return {self._path.name: identify(self._path.stat())}
        found = {}
        with os.scandir(self._descriptor) as entries:
            names = (
                entry for entry in entries
                if entry.name.endswith(SUFFIX) and not entry.name.startswith(".")
            )  # fmt: skip
            for entry in islice(names, _MOST_FILES + 1):
                with suppress(FileNotFoundError):
                    found[entry.name] = entry.stat(follow_symlinks=False)
        if len(found) > _MOST_FILES:
            raise SourceError("invalid", "the directory has too many files")
        ordered = sorted(found.items(), key=lambda item: (item[1].st_mtime_ns, item[0]))
        return {name: identify(status) for name, status in ordered}

    def open(self, name: str) -> int:
        """Return a descriptor of one of them."""
        if self._descriptor is None:
            return open_plain(os.fspath(self._path))
        return open_plain(name, self._descriptor)
