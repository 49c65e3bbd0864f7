"""Lines that look like errors and that no rule knows, grouped by what they have in common."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Final, NamedTuple

import tipping

from panewatch.errors.prefix import strip_prefix

_HOLE: Final = "<*>"
_MOST_LINES: Final = 20_000
"""Different lines that are grouped; the rest is counted with none of them."""


class Template(NamedTuple):
    """Lines that differ in their variable parts alone.

    ``text`` has ``<*>`` for each of those, ``seen`` is how often it was seen, ``example``
    is one of the lines.
    """

    text: str
    seen: int
    example: str


def find_templates(lines: Sequence[str]) -> list[Template]:
    """Group ``lines`` into templates, the most frequent first."""
    counts = Counter(map(strip_prefix, lines))
    counts.pop("", None)
    different = [line for line, _ in counts.most_common(_MOST_LINES)]
    if not different:
        return []
    clusters, _masks, templates = tipping.parse(different, return_masks=True)
    totals: Counter[str] = Counter()
    examples: dict[str, str] = {}
    by_cluster: defaultdict[int, list[str]] = defaultdict(list)
    for line, cluster in zip(different, clusters, strict=True):
        by_cluster[-1 if cluster is None else cluster].append(line)
    for cluster, members in by_cluster.items():
        known = templates[cluster] if 0 <= cluster < len(templates) else set()
        for line in members:
            text = _fit(line, known)
            totals[text] += counts[line]
            examples.setdefault(text, line)
    return [Template(text, count, examples[text]) for text, count in totals.most_common()]


def _fit(line: str, templates: set[str]) -> str:
    """Return the template of its cluster that ``line`` is of, the line itself where none is."""
    return next((text for text in sorted(templates) if _matches(text, line)), line)


def _matches(template: str, line: str) -> bool:
    place = 0
    for part in template.split(_HOLE):
        found = line.find(part, place)
        if found < 0:
            return False
        place = found + len(part)
    return True


def write_skeleton(template: Template, number: int) -> str:
    """Return a rule to paste into a pack and to complete."""
    parts = template.text.split(_HOLE)
    while len(parts) > 1 and not parts[-1]:  # a match needs no tail
        parts.pop()
    expression = "^" + ".+".join(map(_escape, parts))
    return "\n".join(
        (
            f"  - id: own-rule-{number}",
            "    category: other",
            "    severity: P1",
            f"    match: {_quote(expression)}",
            '    suggestion: "say what to do about it"',
            f"    examples: [{_quote(template.example)}]",
        )
    )


def _escape(text: str) -> str:
    return re.sub(r"([\\.^$*+?()\[\]{}|])", r"\\\1", text)


def _quote(text: str) -> str:
    """Write ``text`` as a single-quoted YAML scalar."""
    return "'" + text.replace("'", "''") + "'"
