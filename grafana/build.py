"""Writes the Grafana dashboards and the table of their panels in the documentation.

``python grafana/build.py`` writes ``grafana/dashboards/*.json`` and the table in
``docs/dashboards.md``; ``--check`` writes nothing and ends with 1 where a file
differs from what would be written.
"""

import argparse
import json
import sys
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard, Panel

from boards import (
    commands,
    errors,
    experiments,
    exporter,
    gpu,
    host,
    overview,
    panes,
    profiles,
    training,
    waiting,
)

ROOT = Path(__file__).resolve().parent.parent
DASHBOARDS = {
    "overview": overview.build,
    "waiting": waiting.build,
    "panes": panes.build,
    "commands": commands.build,
    "errors": errors.build,
    "training": training.build,
    "profiles": profiles.build,
    "gpu": gpu.build,
    "host": host.build,
    "experiments": experiments.build,
    "exporter": exporter.build,
}
"""The name of each dashboard's file, and what builds it."""

DOCUMENT = Path("docs/dashboards.md")
BEGIN, END = "<!-- panels: written by grafana/build.py -->", "<!-- end of panels -->"


def render(board: Dashboard) -> str:
    """Give a dashboard as the text of its JSON file."""
    return json.dumps(board, cls=JSONEncoder, indent=2, sort_keys=True) + "\n"


def tabulate(boards: dict[str, Dashboard]) -> str:
    """Give a Markdown section for each dashboard, with a row for each panel."""
    lines: list[str] = []
    for name, board in boards.items():
        lines += ["", f"## {name.capitalize()}", "", board.description or ""]
        for panel in board.panels or []:
            if isinstance(panel, Panel):
                lines.append(f"| {panel.title} | {panel.description} |")
            else:
                lines += ["", f"### {panel.title}", "", "| panel | what it tells |", "|---|---|"]
    return "\n".join(lines) + "\n"


def outputs() -> dict[Path, str]:
    """Give what every generated file is to hold, by its path below the repository."""
    boards = {name: build() for name, build in DASHBOARDS.items()}
    files = {Path("grafana/dashboards") / f"{name}.json": render(b) for name, b in boards.items()}
    head, begin, rest = (ROOT / DOCUMENT).read_text(encoding="utf-8").partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"{DOCUMENT}: the lines {BEGIN!r} and {END!r} are missing")
    files[DOCUMENT] = f"{head}{begin}\n{tabulate(boards)}\n{end}{tail}"
    return files


def main(arguments: list[str] | None = None) -> int:
    """Write the files, or with ``--check`` compare them; give the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="write nothing, fail on a difference")
    check = parser.parse_args(arguments).check
    stale = []
    for path, text in outputs().items():
        file = ROOT / path
        if file.is_file() and file.read_text(encoding="utf-8") == text:
            continue
        stale.append(str(path))
        if not check:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
    for name in stale:
        print(f"{name} {'differs: run python grafana/build.py' if check else 'written'}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
