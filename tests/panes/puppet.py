"""A program in a pane that prints just what a test tells it to, and says when tmux has it.

Usage: puppet.py FIFO_IN FIFO_OUT. Each line of FIFO_IN is a JSON string of text to
print. After it has been printed the terminal is asked for its cursor position: the
answer comes when tmux has taken everything in. Then "ok" goes to FIFO_OUT.
"""

import json
import sys
import termios
import tty


def main() -> None:
    tty.setraw(0, termios.TCSANOW)
    terminal = open(0, "rb", buffering=0, closefd=False)  # noqa: SIM115
    screen = open(1, "wb", buffering=0, closefd=False)  # noqa: SIM115
    with open(sys.argv[1]) as orders, open(sys.argv[2], "w") as answers:  # noqa: PTH123
        for order in orders:
            data = json.loads(order).encode() + b"\x1b[6n"
            while data:
                data = data[screen.write(data) :]
            answer = b""
            while not answer.endswith(b"R"):
                answer += terminal.read(1)
            answers.write("ok\n")
            answers.flush()


main()
