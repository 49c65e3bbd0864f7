"""Driving a pane as a person would: type, press keys, paste, wait for what it shows.

For the tests, demos and people's own orchestrators. The exporter never imports this
module: it reads panes and never types into one. It needs libtmux
(``pip install panewatch[control]``).
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from contextlib import suppress
from typing import Literal

import libtmux

from panewatch import linear
from panewatch.config import PanesSettings
from panewatch.panes.foreground import inspect
from panewatch.panes.keys import check_keys, check_text, quote
from panewatch.panes.lookout import Lookout, find_pane
from panewatch.panes.reach import ControlError, ReachedServer
from panewatch.panes.state import name_program
from panewatch.panes.text import clean
from panewatch.panes.view import View

__all__ = ["SHELL_PROMPT", "ControlError", "PaneControl"]

SHELL_PROMPT = r"[$#%>❯➜»›λ✗]\s*$|^(?:\([^)]*\) )?➜ "  # noqa: RUF001  # what prompts end with
"""What stands left of the cursor at the prompt of a shell, as RE2 reads it."""

_TYPED = 1000
"""Characters that are typed at most: longer text is pasted."""

_SETTINGS = PanesSettings()
"""Which programs are shells."""


class PaneControl:
    """One pane of one tmux server, told apart from any later pane of the same number.

    Every method raises :class:`ControlError` at once where the pane's program has ended, the
    pane or its server is gone, or tmux does not answer within the limit of one call. Nothing
    is left in tmux or on the disk.

    Attributes:
        pane: libtmux's object of the pane. Its methods work through the prefix too.
    """

    def __init__(self, server: ReachedServer, pane_id: str) -> None:
        self.pane = libtmux.Pane(server=server, pane_id=pane_id)
        self._server = server
        self._id = pane_id
        self._lookout = Lookout(server, pane_id)

    @classmethod
    def attach(
        cls,
        target: str,
        *,
        socket: str | None = None,
        prefix: Sequence[str] = (),
        binary: str = "tmux",
        call_timeout: float = 10.0,
    ) -> PaneControl:
        """Find a pane.

        Args:
            target: A pane's id (``%3``), or ``SESSION:WINDOW.PANE`` as in the labels of the
                metrics; without window or pane the active ones. Unlike tmux's own targets
                it has to be exact: no other pane is ever taken.
            socket: The tmux server's socket: its name, its absolute path, or None for the
                default one.
            prefix: Command words put before tmux, for a server in a container
                (``["docker", "exec", "-i", "NAME"]``) or on another host (``["ssh", "HOST"]``).
            binary: The tmux program.
            call_timeout: Seconds that one call of tmux may take.

        Raises:
            ControlError: there is no such pane, or no such server.
        """
        server = ReachedServer(socket, prefix, binary, call_timeout)
        return cls(server, find_pane(server, target))

    @classmethod
    def of(cls, pane: libtmux.Pane, *, call_timeout: float = 10.0) -> PaneControl:
        """Take over a pane that libtmux found or made."""
        server = pane.server
        if isinstance(server, ReachedServer):
            return cls(server, str(pane.pane_id))
        socket = server.socket_path or server.socket_name
        return cls.attach(
            str(pane.pane_id),
            socket=None if socket is None else str(socket),
            binary=server.tmux_bin or "tmux",
            call_timeout=call_timeout,
        )

    def send_keys(self, text: str, *, enter: bool = True, enter_delay: float = 0.5) -> None:
        """Type text, literally, and press Enter.

        Text of several lines, with tabs, or of more than 1,000 characters is pasted.

        Args:
            text: What to type; control characters are refused, see :meth:`press`.
            enter: Whether to press Enter behind it.
            enter_delay: Seconds before Enter. Programs that tell typing from pasting by its
                speed take an Enter that follows at once for a part of the text: Codex for
                0.12 s, Claude Code for 0.1 s and, while it is busy, for up to 1 s.

        Raises:
            ValueError: the text holds control characters.
        """
        if len(text) > _TYPED or "\n" in text or "\t" in text:
            self.paste(text, enter=enter, enter_delay=enter_delay)
            return
        check_text(text)
        self._lookout.prepare()
        if text:
            self.pane.cmd("send-keys", "-l", "--", *quote([text]))
        if enter:
            self._press_enter(enter_delay if text else 0.0)

    def paste(self, text: str, *, enter: bool = True, enter_delay: float = 0.5) -> None:
        """Paste text of any size, and press Enter.

        A program that asked for bracketed paste gets it as one piece; to any other each end
        of a line is an Enter. The text goes to tmux by standard input, so no list of
        processes shows it. A prefix has to hand that on, as ``docker exec -i`` does.

        Args:
            text: What to paste; control characters other than tab and newline are refused,
                because they could end the paste early and press keys.
            enter: Whether to press Enter behind it.
            enter_delay: Seconds before Enter, see :meth:`send_keys`.

        Raises:
            ValueError: the text holds control characters.
        """
        text = text.replace("\r\n", "\n")
        check_text(text.replace("\n", "").replace("\t", ""))
        self._lookout.prepare()
        if text:
            self._paste(text)
        if enter:
            self._press_enter(enter_delay if text else 0.0)

    def press(self, *keys: str) -> None:
        """Press keys by tmux's names: ``Enter``, ``Escape``, ``Up``, ``C-c``, ``M-x``, ``F5``.

        Raises:
            ValueError: one of them is none: tmux would type its name.
        """
        check_keys(keys)
        self._lookout.prepare()
        self.pane.cmd("send-keys", "--", *quote(keys))

    def capture(self, lines: int | None = None) -> tuple[str, ...]:
        """Return what the pane shows, as lines without control characters.

        Lines that the pane's width wraps are joined; empty ones at the end are left out. The
        program may have ended, if tmux keeps the pane.

        Args:
            lines: How many, counted from the end, the history included; None for the screen.

        Raises:
            ValueError: ``lines`` is less than 1.
        """
        if lines is not None and lines < 1:
            raise ValueError(f"there are no {lines} lines")
        self._lookout.look(alive=False)
        start: Literal["-"] | None = None if lines is None else "-"
        captured = self.pane.capture_pane(start=start, join_wrapped=True) or []
        shown = [clean(line).rstrip() for line in captured]
        while shown and not shown[-1]:
            shown.pop()
        return tuple(shown[-lines:] if lines else shown)

    def mark(self) -> None:
        """Let nothing that the pane shows now count for the next waits.

        Sending text or keys does so by itself, just before the last key.
        """
        self._lookout.mark()

    def wait_for_prompt(self, pattern: str, timeout: float = 30.0) -> str:
        r"""Wait until one of the lowest rows of the screen matches, and return it.

        Only the last 10 rows that are not empty count, and of these only what was not there
        already when keys were last sent; any where none were sent. A row counts again once it
        was seen changed.

        Args:
            pattern: An expression as RE2 reads it, searched for in each row. Spaces up to the
                cursor may be in it or not: ``\$ $`` and ``\$$`` both find a shell's prompt.
            timeout: Seconds.

        Raises:
            ValueError: RE2 does not know such an expression.
            ControlError: it did not come in time.
        """
        expression = linear.compile(pattern)

        def find(view: View) -> str | None:
            fresh = (view.text(y) for y in view.live() if self._lookout.is_fresh(view, y))
            return next((row.rstrip() for row in fresh if _find(expression, row)), None)

        return self._lookout.wait(timeout, f"no row matched {pattern}", find)

    def wait_for_idle(self, quiet: float = 2.0, timeout: float = 60.0) -> tuple[str, ...]:
        """Wait until the screen and the cursor stay as they are, and return its rows.

        A program that draws a spinner or a clock is not idle; one that works in silence for
        ``quiet`` seconds is.

        Args:
            quiet: Seconds without a change, less than ``timeout``.
            timeout: Seconds.

        Raises:
            ValueError: ``quiet`` is not less than ``timeout``.
            ControlError: it kept changing.
        """
        if quiet >= timeout:
            raise ValueError(f"{quiet:g} s of quiet never pass within {timeout:g} s")
        content: tuple[object, ...] = ()
        since = 0.0

        def find(view: View) -> tuple[str, ...] | None:
            nonlocal content, since
            now = time.monotonic()
            if view.content != content:
                content, since = view.content, now
            return view.rows if now - since >= quiet else None

        return self._lookout.wait(timeout, f"it was never quiet for {quiet:g} s", find)

    def wait_for_shell_prompt(self, timeout: float = 30.0, pattern: str = SHELL_PROMPT) -> str:
        """Wait until a shell is in the foreground and its prompt left of the cursor.

        A prompt that was there when keys were last sent does not count. Of a local pane's
        shell it is known whether it runs a script; ``read`` in an interactive shell cannot
        be told from its prompt.

        Args:
            timeout: Seconds.
            pattern: What the cursor's row holds left of the cursor, as RE2 reads it.

        Returns:
            The prompt.

        Raises:
            ValueError: RE2 does not know such an expression.
            ControlError: it did not come in time.
        """
        expression = linear.compile(pattern)

        def find(view: View) -> str | None:
            prompt = view.before_cursor
            if not _find(expression, prompt) or not self._lookout.is_fresh(view, view.cursor[1]):
                return None
            foreground = inspect(view.pane_pid) if self._server.local else None
            program = name_program(view.command, foreground, _SETTINGS)
            return prompt.rstrip() if program.kind == "shell" else None

        return self._lookout.wait(timeout, "no shell came to its prompt", find)

    def _press_enter(self, delay: float) -> None:
        time.sleep(max(0.0, delay))
        self._lookout.prepare()
        self.pane.cmd("send-keys", "Enter")

    def _paste(self, text: str) -> None:
        buffer = f"panewatch-{uuid.uuid4().hex}"
        try:
            self._server.ask(
                "load-buffer", "-b", buffer, "-", ";",
                "paste-buffer", "-p", "-d", "-b", buffer, "-t", self._id, stdin=text,
            )  # fmt: skip
        except BaseException as error:
            with suppress(ControlError):
                self._server.ask("delete-buffer", "-b", buffer)
            if "no buffer" in str(error):
                raise ControlError(
                    "unreachable", "the prefix does not hand on standard input (docker exec -i)"
                ) from None
            raise


def _find(expression: linear.Pattern, text: str) -> bool:
    """Tell whether it is found in ``text``, with the spaces at its end or without them."""
    return any(expression.search(form) is not None for form in (text, text.rstrip()))
