"""``docs/programs.md``: the programs whose screens are known, and how a pack is written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from panewatch.panes.screens.pack import KINDS, STATES, Pack
from panewatch.panes.screens.region import PLACES

KEYS: Final = {
    "id": "Name of the pack: small letters, digits and `-`. A pack of yours with the `id` of a"
    " built-in one takes its place.",
    "title": "What the program is called.",
    "agent": "Its name where it is a coding agent, as in `panes.agents`; left out elsewhere.",
    "processes": "Names of its processes.",
    "process_match": "Expressions that take names of its processes, for names with a version.",
    "carries": "`true` where its screen may be another program's, as that of a shell is: where no"
    " marker holds, the other packs are asked.",
    "priority": "From -100 to 100, 0 where it is left out: of packs whose signs are on one screen,"
    " the highest is asked first.",
    "always": "`true` where the pack needs no sign: its markers show by themselves what they mean.",
    "signs": "What shows that it is this program where its process does not tell: in a container,"
    " on another host, in a recorded file. Any of them is enough, so each has to be something that"
    " no other program shows.",
    "markers": "What shows a state. They are tried in this order, and the first that holds counts.",
    "otherwise": "The `state` (and `kind`) where no marker holds and the process is known. Left"
    " out: unknown.",
    "jobs": "Where background jobs and sub-agents are counted.",
    "tasks": "How the rows of a list of tasks look.",
    "examples": "Recorded screens that must be read as they say; `check-config` reads them.",
    "counterexamples": "Recorded screens that must not be taken for this program.",
}
"""What each key of a pack means."""

MARKER_KEYS: Final = {
    "state": f"`{'`, `'.join(STATES)}`. A sign has none.",
    "kind": f"What a person is waited for with: `{'`, `'.join(KINDS)}`; for `waiting_input` only.",
    "in": f"Where it counts: `{'`, `'.join(PLACES)}`, with a number of rows where fewer count, as"
    " in `last 6`.",
    "match": "An expression in RE2's syntax, or a list of which one has to match. It is tried on"
    " the region's rows, one a line: `^` and `$` are the ends of a row, `\\z` the end of the"
    " region.",
    "says": "A text, or a list of which one has to be there. It is looked for in the words of the"
    " region, however they are wrapped and whatever box they stand in.",
    "unless": "Expressions none of which may match.",
    "alternate": "`true` where it counts only on the alternate screen.",
}
"""What each key of a marker or sign means; all that are given have to hold."""

REGIONS: Final = {
    "last": "the lowest rows",
    "live": "from the top of the box on; the lowest rows where there is no box",
    "box": "the box that is typed into, edges included: a frame, or what stands between two rules",
    "above": "the rows above the box, counted from it",
    "below": "the rows below the box",
    "cursor": "the line that the cursor is on",
    "screen": "all rows",
}
"""What each region is. Blank rows are in none."""

EXAMPLE_KEYS: Final = {
    "name": "What the screen shows.",
    "source": "Where it was seen.",
    "date": "When, as in 2026-08-19.",
    "screen": "Its rows. The last is taken as the one with the cursor.",
    "state": "What it means, with `kind`, `jobs` and `tasks`; not in a counterexample.",
    "alone": "`false` where the screen does not tell without the process's name.",
}
"""What each key of an example means."""


def render_programs(packs: Sequence[Pack]) -> list[str]:
    """Return the lines of the page, below its title."""
    agents = [pack for pack in packs if pack.agent]
    others = [pack for pack in packs if not pack.agent]
    return [
        f"{len(packs)} packs come with panewatch. [Screens](screens.md) says how they are used;",
        "`panewatch screen FILE` shows what a recorded screen says.",
        "",
        "## Coding agents",
        "",
        *_render_packs(agents),
        "",
        "## Other programs",
        "",
        *_render_packs(others),
        "",
        "## Keys of a pack",
        "",
        *_render_keys("key", KEYS),
        "",
        "## Keys of a marker",
        "",
        *_render_keys("key", MARKER_KEYS),
        "",
        "## Regions",
        "",
        *_render_keys("region", REGIONS),
        "",
        "## Keys of an example",
        "",
        *_render_keys("key", EXAMPLE_KEYS),
    ]


def _render_packs(packs: Sequence[Pack]) -> Iterator[str]:
    yield "| pack | program | processes | tells | counts | newest example |"
    yield "|---|---|---|---|---|---|"
    for pack in packs:
        states = {marker.state for marker in pack.markers} - {"unknown"}
        kinds = [kind for kind in KINDS if any(marker.kind == kind for marker in pack.markers)]
        tells: list[str] = [one for one in STATES if one in states - {"waiting_input"}]
        tells += [f"waiting for {kind}" for kind in kinds]
        counts = ["jobs"] * bool(pack.jobs) + ["tasks"] * bool(pack.tasks)
        cells = (
            f"`{pack.id}`",
            pack.title,
            ", ".join(f"`{name}`" for name in sorted(pack.processes)),
            ", ".join(tells),
            ", ".join(counts),
            max(example.date for example in pack.examples if example.means),
        )
        yield "| " + " | ".join(cells) + " |"


def _render_keys(title: str, keys: dict[str, str]) -> Iterator[str]:
    yield f"| {title} | meaning |"
    yield "|---|---|"
    yield from (f"| `{key}` | {meaning} |" for key, meaning in keys.items())
