"""Whether the recorded screens of packs are read as they say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from panewatch.panes.model import Frame, Screen
from panewatch.panes.screens.book import ScreenBook
from panewatch.panes.screens.pack import Example, Pack
from panewatch.problems import Problem


def frame_text(text: str) -> Frame:
    """Return recorded rows as what a pane shows, with the cursor on the last row."""
    lines = text.rstrip().split("\n")
    return Frame(lines, len(lines) - 1, alternate=False)


def check_examples(book: ScreenBook, packs: Iterable[Pack]) -> Iterator[Problem]:
    """Yield the recorded screens that are read as something else than they say."""
    for pack in packs:
        for example in pack.examples:
            for told in _find_wrong(book, pack, example):
                yield Problem(pack.origin, example.at, f"{pack.id}: {example.name}", told)


def _find_wrong(book: ScreenBook, pack: Pack, example: Example) -> Iterator[str]:
    frame = frame_text(example.screen)
    if example.means is None:
        if book.read(frame, "", "").program == pack.id:
            yield "is a counterexample, and is taken for this program by its look"
        return
    process = min(pack.processes, default="")
    known = book.read(frame, process, pack.agent)
    if known != example.means:
        yield f"must mean {_describe(example.means)}, and means {_describe(known)}"
    if example.alone:
        alone = book.read(frame, "", "")
        if alone != example.means:
            yield (
                f"must mean {_describe(example.means)} by its look alone,"
                f" and means {_describe(alone)}"
            )


def _describe(screen: Screen) -> str:
    parts: list[str] = [screen.state, screen.kind, screen.program and f"of {screen.program}"]
    if screen.jobs is not None:
        parts.append(f"with {screen.jobs} jobs")
    if screen.tasks is not None:
        parts.append("with tasks {}/{}/{}".format(*screen.tasks))
    return " ".join(filter(None, parts))
