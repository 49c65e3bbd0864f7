"""Names and numbers in a line, in any common spelling: `loss=0.3`, `lr 1e-4`, `12.5 img/s`.

This knows no format: it finds numbers, looks at the words before and the unit behind, and
keeps those that a training tells. Whether the line is one of a training at all is decided
by what was found together. Lines are taken apart by hand: a match of an expression for each
number costs ten times as much.
"""

from __future__ import annotations

import math
from typing import Final

from panewatch import linear
from panewatch.training.line_values import LineValues
from panewatch.training.spelling import Meaning, Spellings
from panewatch.training.values import PERCENT, read_duration, read_number

_JOINTS: Final = frozenset("()[{")
"""What may stand between a name and its number: `Epoch[2]`, `time per iteration (ms): 97`."""

_PARTING: Final = str.maketrans(
    dict.fromkeys(":='\"", " ") | {mark: f" {mark} " for mark in "|;[]{}()"}
)
_DIGITS: Final = frozenset("0123456789")
_NUMERIC: Final = frozenset("0123456789.,")
_WORDED: Final = frozenset(("nan", "inf", "-inf", "+inf", "infinity", "-nan"))
_FACTORS: Final = frozenset("kKMGB")
_THOUSANDS: Final = 3

_BEHIND_RANK: Final = 8
"""A step without a name is better than a count of updates, and not as good as one with it."""

_STEP_TIME: Final = linear.compile(
    r"(?i)(?:step|iter(?:ation)?|batch)[ _]?(?:avg|time)\w*[ :=]{1,3}([\d.,]+|nan)[ ]?(ms|s)\b"
)
_ETA: Final = linear.compile(
    r"(?i)\b(?:eta|remaining|time left)\b[ :=]{0,3}"
    r"((?:\d+ days?, ?)?\d+:\d\d(?::\d\d)?|(?:\d+(?:\.\d+)?[dhms] ?){1,4})"
)

_MOST: Final = 200
"""Words of one line that are looked at."""

_MOST_WORDS: Final = 6


def read_pairs(line: str, spellings: Spellings) -> LineValues:
    """Find the values of a training in ``line``.

    Raises:
        NotANumberError: one of its figures is none.
    """
    found = LineValues()
    words = line.translate(_PARTING).split(None, _MOST)[:_MOST]
    key: list[str] = []
    split = ""
    for place, word in enumerate(words):
        number, rest = _split_number(word)
        if not number:
            if word[0].isalpha() or word[0] == "_":
                key.append(word)
                split = spellings.splits.get(word.rstrip(",").lower(), split)
            elif word not in _JOINTS:
                key.clear()
            if word[-1] == ",":
                key.clear()
            continue
        meant = _read_unit(rest, words[place + 1 : place + 2], line, spellings)
        if meant is not None:
            _take_rate(found, meant, read_number(number), 0)
        meaning = spellings.look_up(" ".join(key[-_MOST_WORDS:])) if key else None
        key.clear()
        following = rest.lstrip(",")
        if meant is None and following[:1].isalpha():
            # `loss=0.3,acc=0.9`, and `8.Epoch 0`: what a resize left of a line and the next one
            key.append(following)
        if meaning is None:
            continue
        behind = words[place + 1 : place + 6]
        if meaning.metric:
            _take_metric(found, meaning, split, _read_metric(number, rest, behind))
        else:
            _take(found, meaning, number, rest, behind)
    _read_times(found, line)
    return found


def _read_unit(rest: str, behind: list[str], line: str, spellings: Spellings) -> str | None:
    """Return what the unit of a number makes of it; None where it has none that is known."""
    unit = rest or (behind[0] if behind else "")
    meant = spellings.units.get(unit.rstrip(".,").lower()) if unit[:1].isalpha() else None
    return None if meant and not rest and _names_what_follows(unit, line) else meant


def _names_what_follows(unit: str, line: str) -> bool:
    """Tell whether a unit is the name of the next number: `lr=3e-4 tok/s=12000`."""
    begin = line.find(unit)
    return begin >= 0 and line[begin + len(unit) :].lstrip(" ")[:1] in {"=", ":"}


def _split_number(word: str) -> tuple[str, str]:
    """Return the number that a word begins with, and what is left; both may be empty."""
    first = word[0]
    if first not in _DIGITS and first not in "+-.":
        plain = word.rstrip(",.").lower()
        return (plain, "") if plain in _WORDED else ("", word)
    end = 1 if first in "+-" else 0
    if word[end : end + 1] not in _DIGITS and word[end : end + 1] != ".":
        plain = word.rstrip(",.").lower()
        return (plain, "") if plain in _WORDED else ("", word)
    while end < len(word) and word[end] in _NUMERIC:
        end += 1
    if word[end : end + 1] in {"e", "E"}:
        power = end + 1 + (word[end + 1 : end + 2] in {"+", "-"})
        if word[power : power + 1] in _DIGITS:
            end = power
            while end < len(word) and word[end] in _DIGITS:
                end += 1
    number = word[:end].rstrip(",")
    if "," in number:
        number = _cut_number(number)
    if not any(map(str.isdigit, number)) or number.count(".") > 1:
        return "", word
    end = len(number)
    if word[end : end + 1] in _FACTORS and not word[end + 1 : end + 2].isalnum():
        end += 1
    return word[:end], word[end:]


def _cut_number(text: str) -> str:
    """Return a number without commas that neither part thousands nor are a decimal sign."""
    first, *rest = text.split(",")
    if first == "0" and len(rest) == 1 and rest[0].isdigit():
        return text
    if not first.lstrip("+-0") or len(first.lstrip("+-")) > _THOUSANDS:
        return first
    kept = [first]
    for part in rest:
        if len(part.partition(".")[0]) != _THOUSANDS:
            break
        kept.append(part)
    return ",".join(kept)


def _read_metric(number: str, rest: str, behind: list[str]) -> float:
    """Read a figure as it is printed; one of a total, or before a percent sign, is a ratio."""
    value = read_number(number)
    mark, total = _find_total(rest, behind)
    if mark in {"/", "of"} and float(total):
        return value / float(total)
    return value / PERCENT if (rest or "".join(behind[:1]))[:1] == "%" else value


def _take_metric(found: LineValues, meaning: Meaning, split: str, value: float) -> None:
    """Keep a metric: of the split that its name tells, else of that which the line spoke of."""
    found.signs += meaning.sign
    if meaning.value:
        found.put_metric(meaning.value, meaning.split or split, value)


def _take(found: LineValues, meaning: Meaning, number: str, rest: str, behind: list[str]) -> None:
    """Keep the number of a pair, and the total behind it."""
    name, rank = meaning.value, meaning.rank
    value = read_number(number)
    if name.endswith("_per_step"):
        _take_rate(found, name, value, rank)
        return
    if name not in {"epoch", "step"}:
        found.put(name, value, rank)
        return
    mark, total = _find_total(rest, behind)
    if name == "step" and mark in {"-", "~"}:
        value = float(total)  # `Batch [0-20]`: the last of them
    found.put(name, value, rank)
    if mark in {"/", "of"}:
        found.put(f"{name}s", float(total), rank)
    elif name == "epoch":
        _take_step_behind(found, behind)


def _find_total(rest: str, behind: list[str]) -> tuple[str, str]:
    """Return what parts a number from the next, and that: `/` and 100 of `20/100`."""
    text = rest.rstrip(",")
    follow = list(behind[:2])
    if not text and follow:
        text = follow.pop(0).rstrip(",")
    mark = "of" if text == "of" else text[:1]
    if mark not in {"/", "-", "~", "of"}:
        return "", ""
    total = text[len(mark) :] or (follow[0].rstrip(",") if follow else "")
    digits = total[: len(total) - len(total.lstrip("0123456789"))]
    return (mark, digits) if digits else ("", "")


def _take_step_behind(found: LineValues, behind: list[str]) -> None:
    """Take the step that stands behind an epoch without a name: `Epoch: [3]  [20/65]`."""
    place = 0
    while place < len(behind) and behind[place] in {"]", "[", "|", "(", ")"}:
        place += 1
    if place == len(behind):
        return
    number, rest = _split_number(behind[place])
    mark, total = _find_total(rest, behind[place + 1 :])
    if number.isdigit() and mark == "/":
        found.put("step", float(number), _BEHIND_RANK)
        found.put("steps", float(total), _BEHIND_RANK)


def _read_times(found: LineValues, line: str) -> None:
    low = line.lower()
    if "avg" in low or "time" in low:
        step_time = _STEP_TIME.search(line)
        if step_time is not None:
            number, unit = step_time.groups()
            meant = "milliseconds_per_step" if unit.lower() == "ms" else "seconds_per_step"
            _take_rate(found, meant, read_number(number), -1)
    if "eta" in low or "remaining" in low or "left" in low:
        eta = _ETA.search(line)
        seconds = None if eta is None else read_duration(eta.group(1))
        if seconds is not None:
            found.put("eta_seconds", seconds)


def _take_rate(found: LineValues, name: str, value: float, rank: int) -> None:
    if name == "seconds_per_step":
        name, value = "steps_per_second", _invert(value)
    elif name == "milliseconds_per_step":
        name, value = "steps_per_second", _invert(value / 1000)
    if math.isfinite(value) and value >= 0:  # one that is not known yet is written as nan
        found.put(name, value, rank)


def _invert(value: float) -> float:
    return 1 / value if value > 0 else float("nan")
