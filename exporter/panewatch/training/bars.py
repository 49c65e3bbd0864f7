"""Progress bars: tqdm and its likes, rich, Keras, Ultralytics; whole, or cut by a narrow pane.

A bar tells how far something is, seldom what: the words before it say whether that may be a
training.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from panewatch import linear
from panewatch.training.values import read_duration, read_number

_COUNT: Final = r"(?P<n>\d[\d,]*(?:\.\d+)?[kKMG]?)/(?P<total>\d[\d,]*(?:\.\d+)?[kKMG]?|\?)"
_CLOCK: Final = r"(?:\d+ days?, )?\d+(?::\d\d)+"
_RATE: Final = r"(?P<rate>\d[\d.,]*|\?)(?P<factor>[kKMG])? ?(?P<unit>[A-Za-z]+/[A-Za-z]+)"

_TQDM: Final = linear.compile(
    rf"(?P<before>.*?)(?P<percent>\d{{1,3}})%(?:\|[^|]*\|| *[━╸╺─█▏▎▍▌▋▊▉#=>. -]*)? *{_COUNT}"
    rf" *\[(?P<elapsed>{_CLOCK})<(?P<left>{_CLOCK}|\?)(?:, *{_RATE})?(?:, *)?(?P<behind>.*?)\]?$"
)
"""`desc:  55%|████   | 55/100 [00:01<00:00, 46.71batch/s, loss=0.0169]`, `100% 9/9 [00:24<00:00`"""

_CUT: Final = linear.compile(
    rf"(?P<before>.*?)(?P<percent>\d{{1,3}})%\|[^|]*\| *{_COUNT}(?: *\[(?P<elapsed>{_CLOCK})?.*)?$"
)
"""What is left of one in a narrow pane."""

_ULTRALYTICS: Final = linear.compile(
    rf"(?P<before>.*?)(?P<percent>\d{{1,3}})% [━╸╺─]+ {_COUNT} (?:{_RATE} )?"
    rf"(?P<elapsed>[\d:.]+s?)(?:<(?P<left>[\d:.]+s?))?(?P<behind> .*)?$"
)
_RICH: Final = linear.compile(
    rf"(?P<before>.*?)[━╸╺─]{{5,}}[━╸╺─ ]*? {_COUNT} (?P<elapsed>\d+:\d\d:\d\d|-:--:--) •"
    rf" *(?P<left>\d+:\d\d:\d\d|-:--:--)? *(?:{_RATE})?(?P<behind>.*)$"
)
_KERAS: Final = linear.compile(
    rf"^(?P<before> *){_COUNT} (?:[━╸╺─]{{5,}}|\[[=>.]+\]|-) ?(?:- )?"
    r"(?:(?P<left>ETA: [\d:hms ]+?)|(?P<elapsed>\d+(?:m ?\d+)?s))"
    r"(?: -)?(?: (?P<rate>\d[\d.]*)(?P<unit>(?:ms|us|s|µs)/(?:step|epoch|sample)))?"
    r"(?P<behind> .*)?$"
)
_RICH_CUT: Final = linear.compile(
    r"(?P<before>Epoch \d+(?:/\d+)?) +[━╸╺─]{3,}[━╸╺─ ]*? (?P<n>\d+)/(?P<total>\d+|\d*…)(?: .*)?$"
)
"""In a narrow pane rich cuts each of its columns: `18/1…` of 100."""

_ENDLESS: Final = linear.compile(
    r"(?P<before>.*?)(?P<n>\d[\d,]*(?:\.\d+)?[kKMG]?)[A-Za-z]+ "
    rf"\[(?P<elapsed>{_CLOCK})(?:, *{_RATE})(?:, *)?(?P<behind>.*?)\]?$"
)
"""Without a total: `train: 1200it [00:10, 118.20it/s, loss=0.25]`."""

_BAR_SHAPES: Final = (_TQDM, _ULTRALYTICS, _RICH, _RICH_CUT, _KERAS, _CUT, _ENDLESS)

_FROM_ZERO: Final = (_RICH, _RICH_CUT)
"""Those of Lightning: `Epoch 0/1` is the first of two."""

_BEGIN: Final = linear.compile(rf"\d{{1,3}}%\|[^|]*\| *{_COUNT}")
"""What every bar of tqdm has: more than one in a line is what a resize left of older ones."""

_SECONDS: Final = {"s": 1.0, "sec": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6}
_STEPS: Final = frozenset(
    ("it", "its", "iter", "step", "steps", "batch", "batches", "ba", "iteration", "epoch", "ep")
)
_SAMPLES: Final = frozenset(
    (
        "sample",
        "samples",
        "img",
        "imgs",
        "image",
        "images",
        "ex",
        "example",
        "examples",
        "seq",
        "im",
    )
)
_TOKENS: Final = frozenset(("tok", "token", "tokens", "words"))


class Bar(NamedTuple):
    """A bar as it stands there.

    ``before`` and ``behind`` are the texts around it. ``rate`` is in ``unit`` per second, None
    where none is shown; a unit of bytes makes it a transfer. ``left`` and ``elapsed`` are
    seconds. ``from_zero`` tells that its epochs are told as the first and last index.
    """

    before: str
    n: float
    total: float | None
    rate: float | None
    unit: str
    elapsed: float | None
    left: float | None
    behind: str
    from_zero: bool = False

    @property
    def counts_steps(self) -> bool:
        """Whether what it counts may be the steps of a training."""
        return not self.unit or self.unit in _STEPS | _SAMPLES | _TOKENS

    @property
    def finished(self) -> bool:
        """Whether it stands at its end."""
        return self.total is not None and self.n >= self.total

    def values(self) -> dict[str, float]:
        """Return what it tells of a training."""
        values = {"step": self.n}
        if self.total is not None:
            values["steps"] = self.total
        if self.rate is not None and self.rate > 0:
            name = (
                "samples_per_second" if self.unit in _SAMPLES
                else "tokens_per_second" if self.unit in _TOKENS else "steps_per_second"
            )  # fmt: skip
            values[name] = self.rate
        if self.left is not None:
            values["eta_seconds"] = self.left
        return values


def find_bar(line: str) -> Bar | None:
    """Return the bar in ``line``, None where there is none.

    Raises:
        NotANumberError: its figures are none.
    """
    if line.count("%|") > 1:
        ends = [0, *(match.end() for match in _BEGIN.finditer(line))]
        line = line[ends[max(0, len(ends) - 2)] :]
    for shape in _BAR_SHAPES:
        match = shape.match(line)
        if match is not None:
            return _read(match.groupdict(), from_zero=shape in _FROM_ZERO)
    return None


def _read(groups: dict[str, str | None], *, from_zero: bool) -> Bar | None:
    total = groups.get("total") or "?"
    rate, unit = _read_rate(groups.get("rate"), groups.get("factor"), groups.get("unit"))
    left, elapsed = groups.get("left"), groups.get("elapsed")
    return Bar(
        before=(groups["before"] or "").strip(),
        n=read_number(groups["n"] or "0"),
        total=None if total.endswith(("?", "…")) else read_number(total),
        rate=rate,
        unit=unit,
        elapsed=None if elapsed is None else read_duration(elapsed),
        left=None if left is None else read_duration(left.removeprefix("ETA: ")),
        behind=(groups.get("behind") or "").strip(" -"),
        from_zero=from_zero,
    )


def _read_rate(
    number: str | None, factor: str | None, unit: str | None
) -> tuple[float | None, str]:
    """Return a rate per second and what it counts."""
    if unit is None:
        return None, ""
    above, below = unit.split("/")
    inverse = above in _SECONDS
    counted = below if inverse else above
    if number in {None, "?"}:
        return None, counted
    value = read_number((number or "0") + (factor or ""))
    if inverse:
        seconds = value * _SECONDS[above]
        return (1 / seconds if seconds > 0 else None), counted
    return (value if below in _SECONDS else None), counted
