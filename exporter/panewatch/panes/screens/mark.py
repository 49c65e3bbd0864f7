"""Markers, tallies and lists of tasks, compiled: what each of them finds on a screen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from panewatch import linear
from panewatch.errors.literals import find_needs
from panewatch.panes.model import Tasks
from panewatch.panes.screens.glossary import Found, Glossary
from panewatch.panes.screens.pack import Marker, Tally, TaskList
from panewatch.panes.screens.region import Text, View

_MOST = 9999
_ROWS = "(?m)"
"""``^`` and ``$`` stand for the ends of a row."""


class Mark:
    """One marker. Where the words that it needs are missing, nothing else is looked at."""

    __slots__ = ("_match", "_needs", "_says", "_unless", "marker", "needs")

    def __init__(self, marker: Marker, glossary: Glossary) -> None:
        self.marker = marker
        # A phrase may go on in the next row, between the edges of a box; a word does not.
        phrases = [max(phrase.split(), key=len) for phrase in marker.says]
        sets = [glossary.add(words) for words in (*_list_needs(marker.match), phrases) if words]
        self._needs = sets
        self.needs: Found = sets[0] if sets else frozenset()
        """One of these words is on the screen where it holds; none where that is not known."""
        self._says = [
            (number, phrase)
            for word, phrase in zip(phrases, marker.says, strict=True)
            for number in glossary.add([word])
        ]
        self._match = _compile(marker.match)
        self._unless = _compile(marker.unless)

    def holds(self, view: View, found: Found) -> bool:
        """Tell whether a screen shows it; ``found`` are the words of that screen."""
        for needs in self._needs:
            if needs.isdisjoint(found):
                return False
        marker = self.marker
        if marker.alternate and not view.alternate:
            return False
        # Few screens come so far, so that few are cut once more.
        shown = view.asked if marker.state == "waiting_input" else view
        text = shown.find(marker.region)
        return bool(text.rows) and self._matches(text, found)

    def _matches(self, text: Text, found: Found) -> bool:
        if self._match is not None and self._match.search(text.encoded) is None:
            return False
        if self._says:
            flow = text.flow
            if not any(phrase in flow for number, phrase in self._says if number in found):
                return False
        return self._unless is None or self._unless.search(text.encoded) is None


def _compile(expressions: Sequence[str]) -> linear.Pattern | None:
    """Compile ``expressions`` as one: to ask RE2 once costs less than to ask it for each."""
    if not expressions:
        return None
    return linear.compile(_ROWS + "|".join(f"(?:{text})" for text in expressions))


def _list_needs(expressions: Sequence[str]) -> Iterator[list[str]]:
    """Yield sets of words of which a match of any of ``expressions`` has one each."""
    yield _find_needs(expressions)
    if len(expressions) == 1:
        needs = find_needs(expressions[0])
        yield [] if needs.caseless or not _are_telling(needs.more) else sorted(needs.more)


def _find_needs(expressions: Sequence[str]) -> list[str]:
    """Return words of which each match of each expression has one; none if unknown."""
    joined: list[str] = []
    for expression in expressions:
        needs = find_needs(expression)
        if needs.caseless or not _are_telling(needs.words):
            return []
        joined += needs.words
    return joined


def _are_telling(words: Iterable[str]) -> bool:
    """Tell whether many screens have none of ``words``: a full stop is on each."""
    return all(len(word.strip()) > 1 or not word.isascii() or word == "@" for word in words)


def _may_match(row: str, words: Sequence[str]) -> bool:
    """Tell whether a row has one of the words without which nothing matches."""
    return not words or any(word in row for word in words)


class Count:
    """One place where something is counted."""

    __slots__ = ("_any", "_match", "needs", "tally")

    def __init__(self, tally: Tally, glossary: Glossary) -> None:
        self.tally = tally
        self.needs = glossary.add(_find_needs(tally.match))
        expressions = [_ROWS + text for text in tally.match]
        self._match = list(map(linear.compile, expressions))
        # To tell that nothing is counted, which is the rule, takes no groups.
        self._any = linear.ExpressionSet(expressions)

    def read(self, view: View, found: Found) -> int | None:
        """Add up what is counted; None where nothing is."""
        if self.needs and self.needs.isdisjoint(found):
            return None
        counts = list(self._read(view))
        return min(sum(counts), _MOST) if counts else None

    def _read(self, view: View) -> Iterator[int]:
        text = view.find(self.tally.region)
        for row in text.rows if self._any.match(text.encoded) else ():
            encoded = row.encode(errors="replace")
            for pattern in self._match:
                match = pattern.search(encoded)
                if match is None:
                    continue
                digits = match.group(group) if (group := pattern.groupindex.get("count")) else None
                yield min(int(digits), _MOST) if digits else 1
                break


class Listed:
    """One kind of task list."""

    __slots__ = ("_kinds", "_words", "needs", "region")

    def __init__(self, tasks: TaskList, glossary: Glossary) -> None:
        self.region = tasks.region
        kinds = (tasks.pending, tasks.in_progress, tasks.done)
        self._words = _find_needs([text for kind in kinds for text in kind])
        self.needs = glossary.add(self._words)
        self._kinds = [_compile(kind) for kind in kinds]

    def read(self, view: View, found: Found) -> Tasks | None:
        """Count the tasks of the lowest list; None where there is none."""
        if self.needs and self.needs.isdisjoint(found):
            return None
        counts = [0, 0, 0]
        depth = -1
        for row in reversed(view.find(self.region).rows):
            kind = self._tell(row)
            indent = len(row) - len(row.lstrip())
            if kind is not None:
                counts[kind] += 1
                depth = indent
            elif depth >= 0 and indent <= depth:
                break  # the row above the list; what is deeper belongs to a task
        return Tasks(*counts) if any(counts) else None

    def _tell(self, row: str) -> int | None:
        if not _may_match(row, self._words):
            return None
        encoded = row.encode(errors="replace")
        for kind, pattern in enumerate(self._kinds):
            if pattern is not None and pattern.search(encoded) is not None:
                return kind
        return None
