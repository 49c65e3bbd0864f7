"""The machine itself: CPUs, memory, disks and filesystems."""
