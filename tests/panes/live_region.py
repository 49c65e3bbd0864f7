"""What programs with a live region send: rows at the bottom that are erased and drawn again."""

from __future__ import annotations

from collections.abc import Sequence

from panes.private_tmux import Puppet

SPINNER = "✶✽✢✻✳·"


class LiveRegion:
    """Rows that are drawn over on the primary screen, with finished lines added above.

    ``below`` puts the cursor on the line below the rows, as Ink does; without it the
    cursor stays at the end of the last row, as with rich. ``raised`` moves it up again
    by so many rows, into an input box.
    """

    def __init__(self, puppet: Puppet, *, below: bool = True, raised: int = 0) -> None:
        self._puppet = puppet
        self._below = below
        self._raised = raised
        self._height = 0

    def draw(self, finished: Sequence[str], rows: Sequence[str]) -> None:
        """Erase the rows upward, print the ``finished`` lines and draw ``rows`` below them."""
        erase = ""
        if self._height:
            down = f"\x1b[{self._raised}B" if self._raised else ""
            erase = down + "\r\x1b[2K" + "\x1b[1A\x1b[2K" * (self._height - 1)
        end = "\r\n" if self._below else ""
        raised = f"\x1b[{self._raised}A\x1b[5G" if self._raised else ""
        above = "".join(line + "\r\n" for line in finished)
        self._puppet.show(erase + above + "\r\n".join(rows) + end + raised)
        self._height = len(rows) + self._below


def draw_agent(second: int, *, verb: str = "Kneading", typed: str = "") -> list[str]:
    """Return an agent's spinner line and its input box of four rows."""
    glyph = SPINNER[second % len(SPINNER)]
    return [
        f"{glyph} {verb}… ({second}s · ↑ {second * 137 / 1000:.1f}k tokens · esc to interrupt)",
        "",
        "╭" + "─" * 76 + "╮",
        ("│ > " + typed).ljust(77) + "│",
        "╰" + "─" * 76 + "╯",
        "  ? for shortcuts",
    ]


def draw_table(second: int) -> list[str]:
    """Return a table and a bar as rich draws them; a row joins after a while."""
    late = [f"│ eval  │ {second - 20:3d} % │"] if second > 20 else []
    return [
        "┏━━━━━━━┳━━━━━━━┓",
        "┃ task  ┃ done  ┃",
        "┡━━━━━━━╇━━━━━━━┩",
        f"│ load  │ {second:3d} % │",
        f"│ train │ {second // 2:3d} % │",
        *late,
        "└───────┴───────┘",
        f"{'⠋⠙⠹⠸⠼⠴'[second % 6]} Working {'━' * (second // 3)} {second}%",
    ]


def draw_bars(epoch: int, batch: int) -> str:
    """Return what two nested bars print: the inner one below, the cursor on the outer one."""
    return (
        f"\r\x1b[KEpoch: {epoch * 10:3d}%|{'█' * epoch:10}| {epoch}/10 [00:{epoch:02d}<00:09]\r\n"
        f"\r\x1b[KBatch: {batch * 5:3d}%|{'█' * batch:20}| {batch}/20 [loss={1 / (batch + 1):.3f}]"
        "\x1b[A"
    )


ERASED_BARS = "\r\x1b[K\r\n\r\x1b[K\x1b[A"
