"""Each benchmark runs at its smallest sizes, and says what it found."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
BENCHMARKS = ROOT / "benchmarks"
SIZES = {
    "sweep": "--panes 2 5 --rounds 1 --peer-rounds 1",
    "completeness": "--seconds 2 --rates 100",
    "latency": "--events 4 --panes 2 --longest 0.3",
    "footprint": "--panes 3 --seconds 1 --warm-up 0 --scrape-interval 0.5",
    "scrape": "--panes 3 --scrapers 1 5 --requests 3",
    "classification": "--rounds 1 --peer-rounds 1 --peer-lines 8 LOG",
    "screens": "--rounds 1 --reads 1",
    "redos": "--sizes 26 200 --rounds 1 --step 60",
    "replay": "",
    "callback": "--batches 50 --rounds 2 --steps 5",
    "gpu": "--rounds 5",
    "gpu_exporters": "--gpus 1 --requests 2 --seconds 1 --faults hang",
    "attribution": "--panes 3 --processes 15 --rounds 2 --pause 0 --scale 0.1",
    "traces": "--megabytes 1",
    "progress": "--kinds lines --widths 80 --steps 60 --settle 3",
    "experiments": "--items 200 --table 50 --hours 0.05",
    "commands": "--commands 4 --panes 2 --longest 0.6 --lines 20 --rounds 1",
}
FIGURES = {
    "sweep": 6, "completeness": 5, "latency": 3, "footprint": 5, "scrape": 7,
    "classification": 3, "redos": 3, "replay": 6,
    "commands": 19, "screens": 6, "progress": 4, "callback": 4, "traces": 3, "gpu": 4,
    "attribution": 7, "gpu_exporters": 4, "experiments": 9,
}  # fmt: skip
LOG = ["$ make", "cc -c a.c", "a.c:3:9: error: no", "make: *** [Makefile:2: a.o] Error 1"] * 100
CORPORA = ROOT.parent / "shared" / "corpora"


def run(name: str, *words: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        (sys.executable, str(BENCHMARKS / f"{name}.py"), *words),
        capture_output=True, text=True, check=False, timeout=100,
        env=os.environ | {"PYTHONPATH": str(ROOT / "exporter")},
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    return done


def skip_where_it_cannot_run(name: str) -> None:
    if name == "replay" and not CORPORA.is_dir():
        pytest.skip("../shared/corpora is absent")
    if name in {"gpu", "gpu_exporters", "attribution"} and shutil.which("cc") is None:
        pytest.skip("no C compiler (cc) is installed")


@pytest.mark.parametrize("name", SIZES)
def test_benchmark_runs_at_its_smallest(name: str, tmp_path: Path) -> None:
    skip_where_it_cannot_run(name)
    log = tmp_path / "make.log"
    log.write_text("\n".join(LOG))
    done = run(name, "--json", *SIZES[name].replace("LOG", str(log)).split())
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["benchmark"] == name
    more: int = name == "classification" and shutil.which("mtail") is not None
    if name == "commands":
        more = sum(shutil.which(shell) is not None for shell in ("bash", "zsh", "fish"))
    assert len(found["figures"]) == FIGURES[name] + more
    for figure in found["figures"]:
        assert figure["what"]
        assert (figure["verdict"] == "") == (figure["budget"] is None)
    values = {figure["what"]: figure["value"] for figure in found["figures"]}
    if name == "completeness":
        assert values["lines repeated, foreign or disordered anywhere"] == 0
        assert all(row["printed"] > 0 for row in found["rows"])
    if name == "classification":
        matches = {row["what"]: row["matches"] for row in found["rows"]}
        assert matches["re loop"] >= 2
        assert matches.get("mtail", matches["re loop"]) == matches["re loop"]
    if name == "commands":
        assert values["with shell-init: commands seen"] == 1
        assert values["with shell-init: statuses right"] == 1
        assert values["with shell-init: told twice"] == values["without: told twice"] == 0
    if name == "attribution":
        found_of = {row["part"]: row["found"] for row in found["rows"]}
        assert found_of["processes of panes"] == 15
        assert values["bytes written told of a pane, error of the worse"] < 50
    if name == "replay":
        assert 5 < values["incidents opened"] < 100
    if name == "scrape":
        assert values["answers refused or torn"] == 0
        assert all(row["answers"] and row["series"] for row in found["rows"])


@pytest.mark.parametrize("name", ["classification", "replay"])
def test_without_logs_it_says_so(name: str, tmp_path: Path) -> None:
    for path in BENCHMARKS.glob("*.py"):
        shutil.copy(path, tmp_path)
    done = subprocess.run(
        (sys.executable, str(tmp_path / f"{name}.py")),
        capture_output=True, text=True, check=True, timeout=60,
        env=os.environ | {"PYTHONPATH": str(ROOT / "exporter")},
    )  # fmt: skip
    assert "Skipped: no logs were named" in done.stdout


def test_every_benchmark_is_run_by_all_and_described() -> None:
    scripts = {path.stem for path in BENCHMARKS.glob("*.py") if "build_parser(" in path.read_text()}
    assert scripts - {"report"} == set(SIZES)
    text = (ROOT / "docs/benchmarks.md").read_text()
    for name in SIZES:
        assert f"`benchmarks/{name}.py`" in text
        assert name in (done := run("all", "--help").stdout), done


@pytest.mark.skipif(shutil.which("tmux") is None, reason="needs tmux")
def test_all_writes_the_figures_of_each(tmp_path: Path) -> None:
    table = tmp_path / "table.md"
    done = run("all", "--quick", "--output", str(table), "latency")
    text = table.read_text()
    assert "## latency" in text
    assert "printed → visible, p99" in text
    assert (done.returncode == 0) == ("All budgets met." in text)
