"""The process that reads one trace: ``python -m panewatch.training.profiles.child DESCRIPTOR``.

A trace can be of any size, and whoever wrote it may have meant harm: here it costs a process of
its own, which has bounds. It prints one line of JSON: the facts, or why there are none.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from typing import Final

from panewatch.training.profiles.facts import MOST_OPERATORS, encode, select
from panewatch.training.traces.reading import read_trace
from panewatch.training.traces.source import TraceError

_MOST_MEMORY: Final = 1 << 30
_MOST_CPU_SECONDS: Final = 120
_NICE: Final = 19

# Names are made plain before the longest are chosen, and many may become one.
_ROWS: Final = 10 * MOST_OPERATORS


def main(descriptor: str) -> bytes:
    """Return the answer."""
    os.nice(_NICE)
    for limit, most in (
        (resource.RLIMIT_AS, _MOST_MEMORY),
        (resource.RLIMIT_CPU, _MOST_CPU_SECONDS),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(limit)
        bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(limit, (bound, bound))
    try:
        return encode(select(read_trace(f"/proc/self/fd/{int(descriptor)}", top=_ROWS)))
    except TraceError as error:
        return json.dumps({"refused": error.reason}).encode()
    except (MemoryError, RecursionError):
        return json.dumps({"refused": "memory"}).encode()


if __name__ == "__main__":
    sys.stdout.buffer.write(main(sys.argv[1]) + b"\n")
