"""What the files of a machine say. Written for the tests; no real machine stands behind it."""

from __future__ import annotations

GIB = 1 << 30
BLOCK = 4096

CPU = """\
cpu  400000 3000 120000 9000000 5000 100 700 900 20000 0
cpu0 200000 1500 60000 4500000 2500 50 350 450 10000 0
cpu1 200000 1500 60000 4500000 2500 50 350 450 10000 0
intr 0
ctxt 1
btime 1790000000
processes 100
procs_running 1
procs_blocked 0
"""

CPU_ONE_GONE = "\n".join(
    ["cpu  200100 1500 60000 4500000 2500 50 350 450 10000 0", *CPU.splitlines()[1:2],
     *CPU.splitlines()[3:], ""],
)  # fmt: skip
"""The same after one of its two CPUs was taken out: what it had done is in no sum any more."""

MEMORY = """\
MemTotal:       16000000 kB
MemFree:         2000000 kB
MemAvailable:    9000000 kB
Buffers:          500000 kB
Cached:          6000000 kB
SwapCached:            0 kB
Active:          5000000 kB
Inactive:        4000000 kB
Shmem:            300000 kB
SwapTotal:       4000000 kB
SwapFree:        3000000 kB
Slab:             700000 kB
SReclaimable:     400000 kB
"""

PRESSURE = {
    "cpu": "some avg10=0.00 avg60=0.00 avg300=0.00 total=1500000\n"
    "full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
    "memory": "some avg10=0.00 avg60=0.00 avg300=0.00 total=2500000\n"
    "full avg10=0.00 avg60=0.00 avg300=0.00 total=1250000\n",
    "io": "some avg10=0.00 avg60=0.00 avg300=0.00 total=9000000\n"
    "full avg10=0.00 avg60=0.00 avg300=0.00 total=4000000\n",
}


def describe_disk(
    device: str, *, reads: int, read: int, writes: int, written: int, busy: int
) -> str:
    """A line of /proc/diskstats; `read` and `written` in sectors of 512 bytes, `busy` in ms."""
    return f" 8 0 {device} {reads} 0 {read} 0 {writes} 0 {written} 0 0 {busy} 0\n"


DISKS = (
    describe_disk("sda", reads=100, read=2000, writes=50, written=4000, busy=60000)
    + describe_disk("sda1", reads=99, read=1999, writes=49, written=3999, busy=59000)
    + describe_disk("nvme0n1", reads=7, read=80, writes=9, written=16, busy=1500)
    + describe_disk("nvme0n1p1", reads=6, read=79, writes=8, written=15, busy=1400)
    + describe_disk("dm-0", reads=5, read=8, writes=3, written=24, busy=100)
    + describe_disk("loop0", reads=5, read=8, writes=3, written=24, busy=100)
    + describe_disk("zram0", reads=5, read=8, writes=3, written=24, busy=100)
)


def describe_mount(
    device: str, path: str, kind: str, *, root: str = "/", options: str = "rw,relatime",
    source: str = "none",
) -> str:  # fmt: skip
    """A line of /proc/self/mountinfo."""
    return f"30 1 {device} {root} {path} {options} shared:1 - {kind} {source} {options}\n"


MOUNTS = (
    describe_mount("0:21", "/proc", "proc")
    + describe_mount("8:1", "/", "ext4")
    + describe_mount("0:22", "/sys", "sysfs")
    + describe_mount("0:23", "/dev/shm", "tmpfs")
    + describe_mount("0:50", "/data", "nfs4", source="server:/data")
    + describe_mount("0:51", "/home", "nfs4", source="server:/home")
    + describe_mount("8:2", "/media/old", "ext4", options="ro,relatime")
    + describe_mount("8:1", "/var/lib/bound", "ext4", root="/srv/bound")
    + describe_mount("0:40", "/var/lib/docker/overlay2/x/merged", "overlay")
)
"""An own disk, two filesystems of a server and one that is only read; and what is left out."""

SHOWN = ("/", "/data", "/home", "/media/old")


def describe_space(size: int, available: int, spare: int | None = None) -> str:
    """How a filesystem answers that has so many bytes, and `spare` free ones with root's."""
    free = available if spare is None else spare
    return f"space {size // BLOCK} {free // BLOCK} {available // BLOCK}"


SPACES = {
    "/": describe_space(100 * GIB, 40 * GIB, 45 * GIB),
    "/data": describe_space(900 * GIB, 300 * GIB),
    "/home": describe_space(500 * GIB, 100 * GIB),
    "/media/old": describe_space(8 * GIB, 0),
}
