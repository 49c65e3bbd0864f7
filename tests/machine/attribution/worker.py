"""A program that uses as much of the machine as it is told, says what that was, and waits.

Arguments: a folder, a name, seconds of CPU, MiB of memory, MiB to write. What it used is in
``NAME.json`` in the folder once it has; it ends when there is a ``NAME.end``.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

MIB = 2**20


def main() -> None:
    folder, name = Path(sys.argv[1]), sys.argv[2]
    seconds, memory, written = float(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])
    # As a program that has a GPU open.
    device = (folder / "nvidia0").open("ab")
    held = bytearray(os.urandom(MIB)) * memory
    with (folder / f"{name}.data").open("wb", buffering=0) as file:
        for _ in range(written):
            file.write(held[:MIB] or bytes(MIB))
        os.fsync(file.fileno())
    while time.process_time() < seconds:
        sum(range(10_000))
    times = os.times()
    told = {
        "pid": os.getpid(),
        "cpu": round(times.user + times.system, 2),
        "resident": int(Path("/proc/self/statm").read_text().split()[1])
        * os.sysconf("SC_PAGE_SIZE"),
        "written": int(Path("/proc/self/io").read_text().split("\nwrite_bytes: ")[1].split()[0]),
    }
    new = folder / f"{name}.new"
    new.write_text(json.dumps(told))
    new.replace(folder / f"{name}.json")
    while not (folder / f"{name}.end").exists():
        time.sleep(0.02)
    device.close()


if __name__ == "__main__":
    main()
