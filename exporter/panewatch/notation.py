"""How names, labels and numbers are written in the Prometheus text formats, and which are valid."""

from __future__ import annotations

import re
from operator import itemgetter
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from prometheus_client.core import Exemplar, Metric

SUFFIXES: Final[Mapping[str, frozenset[str]]] = {
    "counter": frozenset({"_total", "_created"}),
    "gauge": frozenset({""}),
    "unknown": frozenset({""}),
    "stateset": frozenset({""}),
    "info": frozenset({"_info"}),
    "summary": frozenset({"", "_sum", "_count", "_created"}),
    "histogram": frozenset({"_bucket", "_sum", "_count", "_created"}),
    "gaugehistogram": frozenset({"_bucket", "_gsum", "_gcount"}),
}
"""What the samples of each type of family are called beyond the family's own name."""

EXPONENT_FROM: Final = 1e6
"""Go writes an exponent from here on, Python only from 1e16."""

_SPELLED: Final = {"nan": "NaN", "inf": "+Inf"}

_NAME: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL: Final = re.compile(r"(?!__)[a-zA-Z_][a-zA-Z0-9_]*")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_NEVER_NEGATIVE: Final = frozenset({"_total", "_bucket", "_count", "_gcount"})
_NEEDED_LABEL: Final = {
    ("histogram", "_bucket"): "le",
    ("gaugehistogram", "_bucket"): "le",
    ("summary", ""): "quantile",
}


class Shape(NamedTuple):
    """What all samples with one name and one set of label names have in common.

    ``parts`` is literal text at even places; the odd places take the escaped label
    values, in the order in which ``pick`` gives them. ``lowest`` is the least value
    that such a sample may have.
    """

    suffix: str
    parts: list[str]
    pick: Callable[[Mapping[str, str]], Sequence[str]]
    lowest: float


def is_family(metric: Metric) -> bool:
    """Tell whether the family's own name and type are valid."""
    return metric.type in SUFFIXES and _NAME.fullmatch(metric.name) is not None


def describe(metric: Metric, key: tuple[str, ...]) -> Shape | None:
    """Work out the shape of a family's samples, from their name followed by their label names.

    None: the family cannot have such samples.
    """
    name, *labels = key
    suffix = name[len(metric.name) :]
    needed = _NEEDED_LABEL.get((metric.type, suffix))
    valid = (
        name.startswith(metric.name)
        and suffix in SUFFIXES[metric.type]
        and all(_LABEL.fullmatch(label) for label in labels)
        and (needed is None or needed in labels)
        and (metric.type != "stateset" or metric.name in labels)
    )
    if not valid:
        return None
    labels.sort()
    parts = [name]
    if labels:
        parts[0] += "{"
        for label in labels:
            parts[-1] += f'{label}="'
            parts += ["", '",']
        parts[-1] = '"}'
    lowest = 0.0 if suffix in _NEVER_NEGATIVE else float("-1.7976931348623157e308")
    return Shape(suffix, parts, picker(labels), lowest)


def picker(labels: Sequence[str]) -> Callable[[Mapping[str, str]], Sequence[str]]:
    """Give a function that takes the values of these labels out of a mapping."""
    if len(labels) > 1:
        return itemgetter(*labels)
    return lambda values: [values[label] for label in labels]


def write_number(number: float) -> str:
    """Write a number as Go does, which canonical ``le`` and ``quantile`` values depend on."""
    digits = repr(number)
    if number < EXPONENT_FROM:
        return "-Inf" if digits == "-inf" else digits
    whole, dot, fraction = digits.partition(".")
    if not dot or len(whole) == 1:
        return _SPELLED.get(digits, digits)
    mantissa = f"{whole[0]}.{whole[1:]}{fraction}".rstrip("0.")
    return f"{mantissa}e+{len(whole) - 1:02d}"


def write_exemplar(exemplar: Exemplar) -> str:
    """Write an exemplar with the ``#`` before it, as it follows a sample in OpenMetrics."""
    labels = ",".join(
        f'{label}="{escape(repair(value))}"' for label, value in sorted(exemplar.labels.items())
    )
    stamp = f" {exemplar.timestamp}" if exemplar.timestamp is not None else ""
    return f" # {{{labels}}} {write_number(float(exemplar.value))}{stamp}"


def write_milliseconds(seconds: float) -> str:
    """Write a sample's time, with the space before it, as Prometheus text has it."""
    return f" {int(float(seconds) * 1000)}"


def escape(text: str) -> str:
    """Escape a label value, or the help in OpenMetrics."""
    if "\\" in text or '"' in text or "\n" in text:
        return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
    return text


def escape_help(text: str) -> str:
    """Escape the help in Prometheus text, which leaves quotes alone."""
    return text.replace("\\", r"\\").replace("\n", r"\n")


def is_encodable(text: str) -> bool:
    """Tell whether the text can be written as UTF-8: it has no lone surrogate."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def repair(text: str) -> str:
    """Replace lone surrogates by U+FFFD."""
    return text if is_encodable(text) else _SURROGATE.sub("\ufffd", text)
