"""Expressions in RE2's syntax made up by hypothesis, and texts that an expression matches."""

from __future__ import annotations

import re
from random import Random
from typing import Any, Final

from hypothesis import strategies as st

from panewatch import linear

_parser: Any = re._parser  # type: ignore[attr-defined]

_POOL: Final = "abcxyzER09 _.:/\\-'é❯"
_CATEGORIES: Final = {
    "CATEGORY_DIGIT": "059", "CATEGORY_WORD": "aZ_7", "CATEGORY_SPACE": " ",
    "CATEGORY_NOT_DIGIT": "a é", "CATEGORY_NOT_WORD": " .é", "CATEGORY_NOT_SPACE": "a.é",
}  # fmt: skip

_FOR_PYTHON: Final = {
    r"\Qa|b\E": r"a\|b", r"\Q[(\E": r"\[\(", r"\pL": "[A-Za-z]", r"\p{Lu}": "[A-Z]",
    "[[:digit:]]": "[0-9]", "[a[:digit:]]": "[a0-9]", "[[:space:]]": " ", r"\x{42}": "B",
    r"\101": "A", r"\z": r"\Z",
}  # fmt: skip
"""What Python writes in another way."""

_ATOMS: Final = st.one_of(
    st.text(alphabet="abcxyzEr :", min_size=1, max_size=5).map(re.escape),
    st.sampled_from(
        ["[abc]", "[^abc]", "[a-f]", "[]x]", "[^]x]", r"[\]x]", r"[\\/]", r"[a\\\]]",
         "[[:digit:]]", "[a[:digit:]]", r"[\s]", r"[\d.]", "[.-]", "[-a]", r"[\.\-]", "[(|]",
         "[abcdefghij]", r"[\W_]", r"[\D]", r"[^\W]", r"[\S ]", "[[:space:]]"]
    ),
    st.sampled_from(
        [".", r"\d", r"\w", r"\s", r"\S", r"\W", r"\D", r"\.", r"\(", r"\x41", r"\x{42}",
         r"\101", r"\pL", r"\p{Lu}", r"\Qa|b\E", r"\Q[(\E", r"\bfoo", "é", "❯"]
    ),
)  # fmt: skip
_REPEATS: Final = st.sampled_from(
    ["", "", "", "?", "*", "+", "{2}", "{1,2}", "{0,1}", "{0}", "{1,}", "{2,9}", "??", "+?"]
)
_GROUPS: Final = st.sampled_from(["(", "(?:", "(?P<name>", "(?i:", "(?s:"])


def _extend(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    branches = st.lists(inner, min_size=1, max_size=3).map("|".join)
    return st.one_of(
        st.lists(inner, min_size=1, max_size=4).map("".join),
        st.builds("{}{})".format, _GROUPS, branches),
        st.builds("(?:{}){}".format, inner, _REPEATS),
    )


def _number_names(expression: str) -> str:
    numbers = iter(range(1000))
    return re.sub("<name>", lambda _: f"<n{next(numbers)}>", expression)


def _is_possible(expression: str) -> bool:
    try:
        linear.compile(expression)
    except ValueError:  # more copies of something than RE2 allows
        return False
    return True


EXPRESSIONS: Final = st.builds(
    "{}{}{}".format,
    st.sampled_from(["", "", "", "(?i)", "(?is)"]),
    st.sampled_from(["", "^", r"\b", r"\A"]),
    st.recursive(
        st.builds("{}{}".format, _ATOMS, _REPEATS) | st.sampled_from(["$", "^a", r"\z"]),
        _extend, max_leaves=8,
    ),
).map(_number_names).filter(_is_possible)  # fmt: skip
"""Expressions with everything of RE2's syntax that is read in a way of its own."""


def sample(expression: str, random: Random, copies: int = 1) -> list[str]:
    """Return texts that ``expression`` probably matches: anchors are not looked at."""
    for ours, theirs in _FOR_PYTHON.items():
        expression = expression.replace(ours, theirs)
    parsed = _parser.parse(expression, re.ASCII)
    texts = [_write(parsed, random) for _ in range(copies)]
    if "(?i" in expression:
        texts[::2] = map(str.swapcase, texts[::2])
    return texts


def _write(parsed: Any, random: Random) -> str:
    return "".join(_write_one(str(kind), value, random) for kind, value in parsed)


def _write_one(kind: str, value: Any, random: Random) -> str:  # noqa: PLR0911  # one per kind
    if kind == "LITERAL":
        return chr(value)
    if kind in {"ANY", "NOT_LITERAL"}:
        return random.choice([letter for letter in _POOL if ord(letter) != value])
    if kind == "IN":
        return _choose(value, random)
    if kind == "BRANCH":
        return _write(random.choice(value[1]), random)
    if kind == "SUBPATTERN":
        return _write(value[3], random)
    if kind in {"MAX_REPEAT", "MIN_REPEAT"}:
        least, most, body = value
        copies = random.randint(least, min(most, least + 2))
        return "".join(_write(body, random) for _ in range(copies))
    return ""


def _choose(items: Any, random: Random) -> str:
    allowed: set[str] = set()
    negated = False
    for name, value in items:
        kind = str(name)
        if kind == "NEGATE":
            negated = True
        elif kind == "LITERAL":
            allowed.add(chr(value))
        elif kind == "RANGE":
            low, high = value
            allowed.update(map(chr, range(low, high + 1)) if negated else map(chr, value))
        else:
            allowed.update(_CATEGORIES[str(value)])
    if negated:
        allowed = {letter for letter in _POOL if letter not in allowed}
    return random.choice(sorted(allowed)) if allowed else ""
