"""The trace files of one run: written beside their place, then moved there whole."""

from __future__ import annotations

import contextlib
import gzip
import mmap
import os
import re
import shutil
import stat
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from panewatch.training.callback.place import TRACE_SUFFIX

_LEAST_FREE: Final = 1 << 30
"""Where a disk has less room than this, it is left for what the training itself has to save."""

_LEVEL: Final = 3
_CHUNK_BYTES: Final = 1 << 20
_TAIL_BYTES: Final = 64
_OLD_SECONDS: Final = 3600.0
_MOST_LISTED: Final = 10_000
_FOREIGN: Final = stat.S_IWGRP | stat.S_IWOTH

_NAME: Final = re.compile(rf"(?P<run>.+)\.(?P<time>[0-9]{{16,20}}){re.escape(TRACE_SUFFIX)}(\.gz)?")
_LEFT_BEHIND: Final = re.compile(rf"\..+\.[0-9]{{16,20}}{re.escape(TRACE_SUFFIX)}(\.gz)?(\.tmp)+")


class TraceError(Exception):
    """There is no trace; why, for people."""


class TraceFiles:
    """The traces of one run in a directory.

    Args:
        directory: Where they are; None where nothing names a place.
        run: What the run is called: the beginning of their names.
        keep: How many of them stay; the oldest go.
        compress: Whether they are compressed.
    """

    def __init__(self, directory: Path | None, run: str, *, keep: int, compress: bool) -> None:
        self._directory = directory
        self._run = run
        self._keep = max(1, keep)
        self._compress = compress

    def begin(self) -> Path:
        """Return where the next trace may be written: a name that nobody reads.

        Raises:
            TraceError: there is no place for it, or the disk is nearly full.
            OSError: there is no such directory, and it cannot be made.
        """
        if self._directory is None:
            raise TraceError("there is no home to write it to")
        if not self._directory.is_absolute():
            raise TraceError(f"{self._directory} is no absolute path, as the exporter wants it")
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if shutil.disk_usage(self._directory).free < _LEAST_FREE:
            raise TraceError("the disk is nearly full")
        _sweep(self._directory)
        return self._directory / f".{self._run}.{time.time_ns()}{TRACE_SUFFIX}.tmp"

    def finish(self, beside: Path, unfinished: int | None = None) -> Path:
        """Give a trace that was written its name, and return that. Deletes what is too old.

        Args:
            beside: What `begin` returned.
            unfinished: The step in which recording ended; it is not to count as one.

        Raises:
            TraceError: it was not written to its end.
            OSError: it cannot be compressed or moved.
        """
        compressed: Path | None = None
        try:
            _check(beside)
            if unfinished is not None:
                _rename_step(beside, unfinished)
            name = beside.name.removeprefix(".").removesuffix(".tmp")
            if self._compress:
                compressed = beside.with_name(f".{name}.gz.tmp")
                _write_compressed(beside, compressed)
                beside.unlink()
            path = beside.with_name(f"{name}.gz" if self._compress else name)
            (compressed or beside).replace(path)
        finally:
            self.drop(beside)
            if compressed is not None:
                self.drop(compressed)
        self._prune(path.parent)
        return path

    @staticmethod
    def drop(beside: Path) -> None:
        """Delete what is left of a trace that was begun; PyTorch has a file beside it."""
        for path in (beside, beside.with_name(f"{beside.name}.tmp")):
            with contextlib.suppress(OSError):
                path.unlink()

    def _prune(self, directory: Path) -> None:
        found: list[tuple[int, Path]] = []
        for entry in _list(directory):
            match = _NAME.fullmatch(entry.name)
            if match and match["run"] == self._run:
                found.append((int(match["time"]), Path(entry.path)))
        for _, path in sorted(found, reverse=True)[self._keep :]:
            with contextlib.suppress(OSError):
                path.unlink()


def _sweep(directory: Path) -> None:
    """Delete what others had begun, and were killed over."""
    now = time.time()
    for entry in _list(directory):
        if _LEFT_BEHIND.fullmatch(entry.name):
            with contextlib.suppress(OSError):
                if now - entry.stat(follow_symlinks=False).st_mtime > _OLD_SECONDS:
                    Path(entry.path).unlink()


def _list(directory: Path) -> Iterator[os.DirEntry[str]]:
    with contextlib.suppress(OSError), os.scandir(directory) as entries:
        yield from islice(entries, _MOST_LISTED)


def _check(beside: Path) -> None:
    """Refuse what ends before its end: the profiler says nothing where a disk was full.

    Takes away the right of others to write, which the exporter refuses to trust.
    """
    try:
        with beside.open("rb") as file:
            status = os.fstat(file.fileno())
            os.fchmod(file.fileno(), stat.S_IMODE(status.st_mode) & ~_FOREIGN)
            file.seek(max(0, status.st_size - _TAIL_BYTES))
            whole = file.read().rstrip().endswith(b"}")
    except FileNotFoundError:
        whole = False
    if not whole:
        raise TraceError("the profiler could not write it to its end")


def _rename_step(beside: Path, step: int) -> None:
    """Give a step that did not end another name: PyTorch ends it when recording does."""
    old = b'"ProfilerStep#%d"' % step
    new = (b'"PartialStep#%d"' % step).ljust(len(old))
    with beside.open("r+b") as file, mmap.mmap(file.fileno(), 0) as trace:
        place = trace.find(old)
        while place >= 0:
            trace[place : place + len(old)] = new
            place = trace.find(old, place + len(old))


def _write_compressed(source: Path, target: Path) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    mode = stat.S_IMODE(source.stat().st_mode)
    # By hand, because gzip would write the name of the file, and the time, into it.
    with (
        source.open("rb") as trace,
        open(os.open(target, flags, mode), "wb") as file,  # noqa: PTH123  # with flags
        gzip.GzipFile("", "wb", _LEVEL, file, 0) as packed,
    ):
        shutil.copyfileobj(trace, packed, _CHUNK_BYTES)
