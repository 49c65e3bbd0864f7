"""A line of text → what it tells of a training, or nothing."""

from __future__ import annotations

from typing import Final

from panewatch import linear
from panewatch.training.bars import Bar, find_bar
from panewatch.training.format import Format, load_formats
from panewatch.training.line_values import LineValues
from panewatch.training.pairs import read_pairs
from panewatch.training.spelling import load_spellings
from panewatch.training.values import NotANumberError, Progress

_PLACE: Final = linear.compile(r"(?i)epoch|step|iter|batch|updates?\b|\b(?:ep|it)\b")
"""Without one of these words no pairs tell where a training stands."""

_FIGURE: Final = linear.compile(
    r"(?i)loss|lr|learning|acc|/s|sec|cost|xent|ppl|perpl|rew|auc|f1|bleu|norm|rmse|mae|avg|time|wps|mi?ou"
    r"|map|bpb|ps\b|top.?[15]|\b[wc]er\b|psnr|ssim|mfu|rouge|dice|flop"
)
"""Nor how it goes without one of these."""

_BAR: Final = linear.compile(r"%\||\d% ?[\d━╸]|━|[=.>]\] - |\d - \d+m?s|[A-Za-z] \[\d+:\d\d")
"""Without one of these there is no bar."""

_HINT: Final = linear.compile(
    r"(?i)epoch|step|iter|batch|updat|\bep\b|\bit\b|%|━|\] - |\d - \d|learn:|train|valid|eval|test"
    r"|avg|loss|it \[|ep_rew"
)
"""Without one of these a line tells nothing: most lines cost no more than to see that."""

_LONGEST: Final = 2000

_OTHER: Final = linear.compile(
    r"(?:^|\s)--[A-Za-z][\w-]+|Namespace\(|(?:Config|Arguments|Settings)\("
    r"|\bfor \w+ in\b|\bdef \w+\(|\breturn\b|\bprint\(|\bself\.\w"
    r"|\b(?:int|float|let|var|const) \w+ =|;\s*$"
)
"""Command lines, printed settings and source code name what a training tells."""

_SIGNS: Final = frozenset(
    ("loss", "val_loss", "learning_rate", "samples_per_second", "tokens_per_second",
     "steps_per_second")
)  # fmt: skip


class ProgressReader:
    """Reads lines by the formats that it is given, and by common spellings."""

    def __init__(self, formats: tuple[Format, ...] | None = None) -> None:
        formats = load_formats() if formats is None else formats
        self._shapes = [(one, expression) for one in formats for expression in one.match]
        self._all = linear.ExpressionSet(expression for _, expression in self._shapes)
        self._spellings = load_spellings()

    def read(self, line: str) -> Progress | None:
        """Return what a line tells, None where it is no progress of a training."""
        try:
            return self._read(line[:_LONGEST])
        except NotANumberError:
            return None  # anybody may print what looks like a log: `{'loss': '...'}`

    def _read(self, line: str) -> Progress | None:
        text = linear.prepare(line)
        if _HINT.search(text) is None:
            return None
        matched = self._all.match(text if isinstance(text, bytes) else text.encode())
        if matched:
            one, expression = self._shapes[min(matched)]
            return one.read(line, expression, self._spellings)
        if "/" in line and _BAR.search(text) is not None:
            bar = find_bar(line)
            if bar is not None:
                return self._read_bar(bar)
        if _PLACE.search(text) is None or _FIGURE.search(text) is None:
            return None
        pairs = read_pairs(line, self._spellings)
        values = pairs.values
        if not _is_training(pairs) or _OTHER.search(text) is not None:
            return None
        split = "val" if "val_loss" in values and "loss" not in values else "train"
        return Progress(values | pairs.name_metrics(split), split)

    def _read_bar(self, bar: Bar) -> Progress | None:
        """Judge a bar by what it counts and by the words around it."""
        before = bar.before.lower()
        if not bar.counts_steps or any(word in before for word in self._spellings.not_training):
            return None
        around = read_pairs(f"{bar.before} | {bar.behind}", self._spellings)
        words = {
            name: value for name, value in around.values.items() if name not in {"step", "steps"}
        }
        if bar.from_zero and "epochs" in words:
            words["epochs"] += 1
        validates = any(word in before for word in self._spellings.not_train_split)
        metrics = around.name_metrics("val" if validates else "train")
        values = words | metrics | bar.values()
        if validates:
            return Progress(values, "val", certain=False, finished=bar.finished, format="bar")
        certain = bool(words) or around.signs > 0 or "train" in before
        if "epochs" in before and "epoch" not in words:  # the outer one of nested bars
            values = metrics | {"epoch": bar.n}
            values |= {} if bar.total is None else {"epochs": bar.total}
        return Progress(values, certain=certain, finished=bar.finished, format="bar")


def _is_training(pairs: LineValues) -> bool:
    """Tell whether a place and a figure of a training stand together."""
    values = pairs.values
    placed = "epoch" in values or "step" in values
    return placed and (pairs.signs > 0 or not _SIGNS.isdisjoint(values))
