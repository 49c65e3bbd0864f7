"""Lines are read by memory, and tell the same as if they were read in full."""

from __future__ import annotations

import pytest

from panewatch.training.alike import find_shape
from panewatch.training.reading import ProgressReader
from panewatch.training.recall import Recall
from panewatch.training.values import Progress


class Counted:
    """A reader that counts what it reads in full."""

    def __init__(self) -> None:
        self._reader = ProgressReader()
        self.lines = 0
        self._recall = Recall(self._read)

    def _read(self, line: str) -> Progress | None:
        self.lines += 1
        return self._reader.read(line)

    def recall(self, line: str, now: float = 100.0) -> Progress | None:
        return self._recall.read(line, find_shape(line), now)


LINES = {
    "pairs": "step {n}: loss {x:.6f}, {m} samples/s",
    "exponents": "epoch {e}/40 step {n}/90000 loss={x:.3e} lr={y:.2e}",
    "epochs that count both": "Epoch {e}/10, step {n}, loss {x:.3f}, lr 0.001, 10 it/s",
    "percents": "epoch {e}/40 step {n} loss {x:.4f} acc {y:.4f}% mfu {p}.5% val_acc 0.{m}",
    "times": "epoch {e} iter {n} loss {x:.4f} iter time {y:.4f} s",
    "thousands": "step {n:,} loss {x:.4f}",
    "bar": "train: {p:3d}%|####  | {p}/100 [00:{p:02d}<01:00, {y:.2f}it/s, loss={x:.3f}]",
    "dated": "2026-11-{d:02d} 10:00:{s:02d},{m} INFO epoch {e} step {n} loss {x:.4f}",
    "not ascii": "⏳ step {n} · loss {x:.4f}",
    "source": "for step in range({n}): loss = {x}",
}


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
def test_what_is_recalled_is_what_would_be_read(line: str) -> None:
    counted, reader = Counted(), ProgressReader()
    for n in range(1, 400):
        text = line.format(
            n=n * 7, x=3 / n, y=1e-3 / n, m=100 + n, e=n // 40, p=n % 101, d=n % 28 + 1, s=n % 60
        )
        assert counted.recall(text) == reader.read(text), text


def test_few_lines_are_read_in_full() -> None:
    counted = Counted()
    for n in range(1000, 2000):
        counted.recall(LINES["pairs"].format(n=n, x=3 / n, m=n % 50 + 100))
    assert counted.lines < 100


def test_a_value_may_stand_in_two_places_until_they_differ() -> None:
    counted, reader = Counted(), ProgressReader()
    for _ in range(100):
        counted.recall("step 5 of 5, loss 0.5 acc 0.5")
    assert counted.lines < 20
    for accuracy in (0.5, 0.6, 0.5, 0.7):
        text = f"step 5 of 5, loss 0.5 acc {accuracy}"
        assert counted.recall(text) == reader.read(text)


def test_a_line_that_told_nothing_is_read_again_after_a_while() -> None:
    counted = Counted()
    assert counted.recall("a line of 1 word") is None
    assert counted.recall("a line of 22 words") is None
    assert counted.recall("a line of 3 word") is None
    assert counted.lines == 2
    assert counted.recall("a line of 4 word", now=130.0) is None
    assert counted.lines == 3


def test_the_memory_does_not_grow_without_end() -> None:
    counted = Counted()
    for _ in range(2):
        for n in range(3000):
            name = "".join(chr(ord("a") + int(digit)) for digit in str(n))
            counted.recall(f"{name}: 1")
    assert counted.lines > 3000
