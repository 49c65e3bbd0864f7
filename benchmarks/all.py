"""Runs all benchmarks in turn and writes their figures as one table.

Some of them need an otherwise idle machine for figures that mean something; the table
says how loaded it was when each one ended.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from report import Figure, draw_figures, draw_table

FOLDER = Path(__file__).resolve().parent
QUICK: dict[str, tuple[str, ...]] = {
    "sweep": ("--panes", "5", "--rounds", "1", "--peer-rounds", "1"),
    "completeness": ("--seconds", "2", "--rates", "10", "1000"),
    "latency": ("--events", "8", "--panes", "4", "--longest", "0.5"),
    "footprint": ("--panes", "5", "--seconds", "3", "--warm-up", "0", "--scrape-interval", "1"),
    "scrape": ("--panes", "5", "--scrapers", "1", "5", "--requests", "5"),
    "classification": ("--rounds", "1", "--peer-rounds", "1", "--peer-lines", "50"),
    "screens": ("--rounds", "1", "--reads", "1"),
    "redos": ("--sizes", "26", "--rounds", "1", "--step", "20"),
    "replay": (),
    "commands": ("--commands", "8", "--longest", "0.5", "--lines", "50", "--rounds", "1"),
    "callback": ("--batches", "100", "--rounds", "2", "--steps", "10"),
    "gpu": ("--rounds", "20"),
    "gpu_exporters": ("--gpus", "1", "--requests", "2", "--seconds", "6", "--faults", "lost-gpu"),
    "attribution": ("--panes", "4", "--processes", "20", "--rounds", "3", "--scale", "0.1"),
    "traces": ("--megabytes", "2"),
    "progress": ("--kinds", "lines", "--widths", "80", "--steps", "60", "--settle", "3"),
    "experiments": ("--items", "200", "--table", "50", "--hours", "0.05"),
}
"""All benchmarks, in their order, with the sizes that only show that they run."""


def measure(name: str, options: Sequence[str]) -> dict[str, Any]:
    """Return what one benchmark found.

    Raises:
        subprocess.CalledProcessError: it failed; it has said why on standard error.
    """
    path = os.pathsep.join(
        [str(FOLDER.parent / "exporter"), *filter(None, [os.getenv("PYTHONPATH")])]
    )
    done = subprocess.run(
        [sys.executable, str(FOLDER / f"{name}.py"), "--json", *options],
        stdout=subprocess.PIPE, text=True, check=True, env=os.environ | {"PYTHONPATH": path},
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def write_section(found: dict[str, Any]) -> str:
    """Return one benchmark's figures, details and notes as Markdown."""
    figures = [
        Figure(**{key: value for key, value in figure.items() if key != "verdict"})
        for figure in found["figures"]
    ]
    parts = [f"## {found['benchmark']}", found["machine"], draw_figures(figures)]
    if found["rows"]:
        heads = list(found["rows"][0])
        parts.append(draw_table(heads, [[str(row[h]) for h in heads] for row in found["rows"]]))
    return "\n\n".join([*parts, *found["notes"]])


def main(words: Sequence[str] | None = None) -> int:
    """Run them; 1 where a budget is missed or a benchmark fails."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(QUICK)}")
    parser.add_argument("--quick", action="store_true", help="only show that they run")
    parser.add_argument("--output", type=Path, help="write the table to this file too")
    arguments = parser.parse_args(words)
    if unknown := set(arguments.names) - set(QUICK):
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    sections: list[str] = []
    missed: list[str] = []
    for name in arguments.names or QUICK:
        try:
            found = measure(name, QUICK[name] if arguments.quick else ())
        except subprocess.CalledProcessError as error:
            missed.append(f"{name}: failed with status {error.returncode}")
            continue
        missed += [
            f"{name}: {figure['what']}, {figure['verdict']}"
            for figure in found["figures"]
            if figure["verdict"].startswith("missed")
        ]
        sections.append(write_section(found))
        print(sections[-1] + "\n", flush=True)
    verdict = "\n".join(["Budgets missed:", *missed]) if missed else "All budgets met."
    print(verdict)
    if arguments.output:
        arguments.output.write_text("\n\n".join([*sections, verdict]) + "\n")
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
