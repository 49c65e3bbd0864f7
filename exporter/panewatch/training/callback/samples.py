"""How many samples are in a batch, and how many bytes in a dataset."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

_DEEPEST: Final = 4


def count_samples(batch: Any, depth: int = _DEEPEST) -> int | None:
    """Return the samples in a batch: the length of the first array or tensor in it.

    Lists that begin with a text or a number count as arrays. None where nothing in it has a length.
    """
    if isinstance(batch, list | tuple):
        if not batch or not depth:
            return None
        plain = isinstance(batch[0], str | bytes | int | float)
        return len(batch) if plain else _count_first(batch, depth)
    shape = getattr(batch, "shape", None)
    if shape is not None:
        return int(shape[0]) if len(shape) else None
    if isinstance(batch, Mapping):
        return _count_first(batch.values(), depth) if depth else None
    graphs = getattr(batch, "num_graphs", None)
    return graphs if isinstance(graphs, int) else None


def _count_first(parts: Iterable[Any], depth: int) -> int | None:
    for part in parts:
        found = count_samples(part, depth - 1)
        if found is not None:
            return found
    return None


def measure_dataset(dataset: Any) -> dict[str, int]:
    """Return what a dataset tells of its size, without reading it.

    Returns:
        ``samples``, ``bytes`` and ``cache`` (bytes of its cache files), as far as it tells.
    """
    found: dict[str, int] = {}
    with contextlib.suppress(Exception):  # another one's code: it may fail in any way
        found["samples"] = len(dataset)
    with contextlib.suppress(Exception):
        tensors = getattr(dataset, "tensors", None) or [dataset]
        found["bytes"] = sum(int(tensor.nbytes) for tensor in tensors)
    with contextlib.suppress(Exception):
        if "bytes" not in found:  # of the library `datasets`: a table of columns
            found["bytes"] = int(dataset.data.nbytes)
    with contextlib.suppress(Exception):
        found["cache"] = sum(Path(file["filename"]).stat().st_size for file in dataset.cache_files)
    return found
