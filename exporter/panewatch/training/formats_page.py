"""``docs/formats.md``: the progress that is read of its own format, with an example of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from panewatch.training.format import Format
from panewatch.training.spelling import Spellings


def render_formats(formats: Sequence[Format], spellings: Spellings) -> list[str]:
    """Return the lines of the page, below its title."""
    return [
        f"{len(formats)} formats come with panewatch; they are tried in this order, and the first",
        "that matches counts. Lines that none matches are read as bars, then by the",
        "[names and numbers](#names) in them. [Training](training.md) says what becomes of it;",
        "`panewatch explain FILE` shows what is read of a recorded log.",
        "",
        "| format | framework | also by names |",
        "|---|---|---|",
        *(_render_row(one) for one in formats),
        *(line for one in formats for line in _render_examples(one)),
        "",
        "## Names",
        "",
        "Of several that a line holds for one value, the first counts. Small and capital letters",
        "are the same, and `_`, `-`, `/` count as spaces.",
        "",
        "| value | names |",
        "|---|---|",
        *(_render_names(value, names) for value, names in spellings.names.items()),
        "",
        "## Metrics",
        "",
        "They are told as printed; a number with a percent sign behind it, and one of a total",
        "(`45/64`), as a ratio. Where a line or a name says that it is of a validation, `val_`",
        "stands before the name. Where another word is joined to it (`masked_acc`), and behind",
        "`best` and the like, it is another figure and not told.",
        "",
        "| metric | names |",
        "|---|---|",
        *(_render_names(value, names) for value, names in spellings.metrics.items()),
        "",
        "## Units",
        "",
        "| value | units behind a number |",
        "|---|---|",
        *(_render_names(value, units) for value, units in _group(spellings.units).items()),
    ]


def _render_row(one: Format) -> str:
    pairs = "metrics" if one.pairs == "metrics" else "yes" if one.pairs else "no"
    return f"| [`{one.id}`](#{one.id}) | {one.framework or 'several'} | {pairs} |"


def _render_examples(one: Format) -> Iterator[str]:
    yield from ("", f"## {one.id}")
    for line, values in one.examples:
        yield from ("", "```text", line.expandtabs(), "```", "")
        yield ", ".join(f"`{name}` {value:.6g}" for name, value in values.items())
    if one.counterexamples:
        yield from ("", "Not read as such:", "", "```text", *one.counterexamples, "```")


def _render_names(value: str, names: Sequence[str]) -> str:
    return f"| `{value}` | " + ", ".join(f"`{name}`" for name in names) + " |"


def _group(units: dict[str, str]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for unit, value in units.items():
        grouped.setdefault(value, []).append(unit)
    return grouped
