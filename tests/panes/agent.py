"""A program in a pane that behaves as coding agents do.

Usage: agent.py FILE [GUARD]. It draws an input box with a footer below, asks for
bracketed paste, and takes an Enter that comes less than GUARD seconds after text for a
newline of it. Each message goes to FILE as a line of JSON: its text, and whether it was
pasted. Then a spinner turns as long as FILE.hold exists, and the box comes back.
"""

import json
import os
import re
import select
import sys
import termios
import time
import tty
from pathlib import Path

PASTE = re.compile(rb"\x1b\[200~(.*?)\x1b\[201~", re.DOTALL)


class Agent:
    def __init__(self, log: Path, guard: float) -> None:
        self.log = log
        self.hold = log.with_name(f"{log.name}.hold")
        self.guard = guard
        self.text = b""
        self.pasted = False
        self.last = 0.0

    def run(self) -> None:
        tty.setraw(0, termios.TCSANOW)
        self.write("\x1b[?2004h")
        self.draw()
        pending = b""
        while True:
            pending += os.read(0, 65536)
            while pending:
                if pending.startswith(b"\x1b["):
                    paste = PASTE.match(pending)
                    if paste is None:
                        break  # the rest of it is on its way
                    self.add(paste.group(1).replace(b"\r", b"\n"))
                    self.pasted = True
                    pending = pending[paste.end() :]
                elif pending[:1] == b"\r":
                    self.enter()
                    pending = pending[1:]
                else:
                    length = next((i for i, b in enumerate(pending) if b in b"\r\x1b"), None)
                    self.add(pending[:length] or pending[:1])
                    pending = pending[length or 1 :] if length is not None else b""

    def add(self, text: bytes) -> None:
        self.text += text
        self.last = time.monotonic()
        self.draw()

    def enter(self) -> None:
        if self.text and time.monotonic() - self.last < self.guard:
            self.add(b"\n")
            return
        text = self.text.decode(errors="replace")
        with self.log.open("a") as log:
            log.write(json.dumps({"text": text, "pasted": self.pasted}) + "\n")
        self.text, self.pasted = b"", False
        turns = 0
        while self.hold.exists():
            turns += 1
            self.write(f"\r\x1b[J{'|/-+'[turns % 4]} Working… (esc to interrupt)")
            select.select([], [], [], 0.05)
        self.write(f"\r\x1b[J● read {len(text)} characters\r\n")
        self.draw()

    def draw(self) -> None:
        shown = self.text.decode(errors="replace").split("\n")[-1][-40:]
        self.write(f"\r\x1b[J❯ {shown}\x1b7\r\n? for shortcuts\x1b8")

    def write(self, text: str) -> None:
        data = text.encode()
        while data:
            data = data[os.write(1, data) :]


def main() -> None:
    Agent(Path(sys.argv[1]), float(sys.argv[2]) if sys.argv[2:] else 0.0).run()


main()
