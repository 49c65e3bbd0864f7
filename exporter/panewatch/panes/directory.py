"""The directory that a local pane is in."""

from __future__ import annotations

import os

from panewatch.panes.foreground import find_group

_DELETED = " (deleted)"


def find_directory(pane_pid: int) -> str | None:
    """Return the directory of the process in the foreground of a pane.

    Of a process that does not show its own (``sudo``) it is that of the pane's shell.

    Args:
        pane_pid: The process that tmux started in the pane.

    Returns:
        An absolute path; None where neither can be seen, or the directory was deleted.
    """
    for pid in (find_group(pane_pid), pane_pid):
        try:
            # The kernel knows the name: no file system is asked, be it one that hangs.
            path = os.readlink(f"/proc/{pid}/cwd")  # noqa: PTH115  # a Path would hide its words
        except OSError:
            continue
        # Where it cannot be reached from here, the kernel says so instead.
        return path if path.startswith("/") and not path.endswith(_DELETED) else None
    return None
