"""Which of a training's processes this is, and what its run is called by that."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from panewatch.training.callback.place import clean_name


def find_rank() -> int:
    """Return this process's rank, as its launcher tells it; 0 where there is none."""
    for name in ("RANK", "SLURM_PROCID", "OMPI_COMM_WORLD_RANK", "LOCAL_RANK"):
        value = os.environ.get(name, "")
        if value.isdecimal():
            return int(value)
    return 0


def name_run(run: str, rank: int) -> str:
    """Return what a run is called: by its script where it has no name, with its rank above 0."""
    name = clean_name(run or Path(sys.argv[0] if sys.argv else "").stem)
    return clean_name(f"{name[:54]}-rank{rank}") if rank else name
