"""The recorded screens beside this file, and what they mean."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from panewatch.config import PanesSettings
from panewatch.panes.model import Frame, Screen, Tasks
from panewatch.panes.screens.book import ScreenBook
from panewatch.panes.screens.loading import load_screens
from panewatch.panes.screens.trial import frame_text

FOLDER = Path(__file__).parent / "recorded"

AGENTS = ("aider", "amazonq", "amp", "auggie", "claude", "codex", "copilot", "cursor", "gemini",
          "goose", "opencode")  # fmt: skip


class Recording(NamedTuple):
    """One screen; ``process`` is the name of the process that it is of."""

    file: str
    name: str
    text: str
    means: Screen
    process: str
    alone: bool
    source: str
    date: str

    @property
    def frame(self) -> Frame:
        return frame_text(self.text)


@cache
def load_book() -> ScreenBook:
    return load_screens(PanesSettings())


@cache
def load_recordings() -> tuple[Recording, ...]:
    packs = {pack.id: pack for pack in load_book().packs}
    found = []
    for file in sorted(FOLDER.glob("*.yaml")):
        content = yaml.safe_load(file.read_text(encoding="utf8"))
        for entry in content["screens"]:
            pack = packs.get(entry.get("program", content["program"]))
            process = entry.get("process")
            if process is None:
                process = min(pack.processes, default="") if pack else ""
            found.append(
                Recording(
                    file=file.stem,
                    name=entry["name"],
                    text=entry["screen"],
                    means=read_meaning(entry, pack.id if pack else "", pack.agent if pack else ""),
                    process=process,
                    alone=entry.get("alone", True),
                    source=entry["source"],
                    date=str(entry["date"]),
                )
            )
    return tuple(found)


def read_meaning(entry: dict[str, Any], program: str, agent: str) -> Screen:
    listed = entry.get("tasks")
    tasks = None
    if listed is not None:
        tasks = Tasks(*(listed.get(status, 0) for status in Tasks._fields))
    return Screen(entry["state"], entry.get("kind", ""), program, agent, entry.get("jobs"), tasks)


def name(recording: Recording) -> str:
    return f"{recording.file}: {recording.name}"
