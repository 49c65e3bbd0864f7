"""The committed dashboards as Grafana reads them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "grafana/dashboards").glob("*.json"))
BOARDS: dict[str, dict[str, Any]] = {file.stem: json.loads(file.read_text()) for file in FILES}


@dataclass(frozen=True)
class Place:
    """One panel, and the dashboard it stands on."""

    board: str
    panel: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.board}: {self.panel['title']}"

    @property
    def queries(self) -> list[dict[str, Any]]:
        return list(self.panel.get("targets", []))

    @property
    def variables(self) -> set[str]:
        return {variable["name"] for variable in read_variables(self.board)}


def read_variables(board: str) -> list[dict[str, Any]]:
    """Give the variables of a dashboard."""
    return list(BOARDS[board]["templating"]["list"])


PANELS = [
    Place(name, panel)
    for name, board in BOARDS.items()
    for panel in board["panels"]
    if panel["type"] != "row"
]
"""Every panel of every dashboard."""

QUERIES = [(place, query) for place in PANELS for query in place.queries]
"""Every query, with its panel."""
