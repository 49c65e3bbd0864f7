"""What holds for a dashboard as a whole: names, variables, links, layout, provisioning."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

import build
from boards.experiments import STATUSES
from boards.queries import GONE
from boards.states import GPU_STATES, PANE_STATES, SERVER_STATES, WAITS
from boards.verdicts import REASONS, VERDICTS
from dashboards.boards_on_disk import BOARDS, PANELS, ROOT, read_variables
from panewatch.experiments import contract as experiments_contract
from panewatch.experiments import model
from panewatch.machine.gpu import contract as gpu_contract
from panewatch.panes import contract

boards = pytest.mark.parametrize("name", sorted(BOARDS))


def test_the_dashboards_are_there() -> None:
    assert sorted(BOARDS) == [
        "commands",
        "errors",
        "experiments",
        "exporter",
        "gpu",
        "host",
        "overview",
        "panes",
        "profiles",
        "training",
        "waiting",
    ]


def test_committed_files_are_what_the_build_writes() -> None:
    assert build.main(["--check"]) == 0


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of what the build writes."""
    shutil.copytree(ROOT / "grafana/dashboards", tmp_path / "grafana/dashboards")
    (tmp_path / "docs").mkdir()
    shutil.copy(ROOT / build.DOCUMENT, tmp_path / build.DOCUMENT)
    monkeypatch.setattr(build, "ROOT", tmp_path)
    return tmp_path


@pytest.mark.parametrize("file", ["grafana/dashboards/panes.json", "docs/dashboards.md"])
def test_check_fails_on_a_changed_file_and_the_build_mends_it(
    checkout: Path, file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    changed = checkout / file
    right = changed.read_text()
    wrong = right.replace("State of each pane", "State of some panes")
    assert wrong != right
    changed.write_text(wrong)
    assert build.main(["--check"]) == 1
    assert capsys.readouterr().out.startswith(f"{file} differs")
    assert changed.read_text() == wrong
    assert build.main([]) == 0
    assert changed.read_text() == right


def test_check_fails_on_a_missing_file(checkout: Path) -> None:
    (checkout / "grafana/dashboards/panes.json").unlink()
    assert build.main(["--check"]) == 1


def test_a_document_without_the_place_for_the_tables_is_refused(checkout: Path) -> None:
    (checkout / build.DOCUMENT).write_text("# Dashboards\n")
    with pytest.raises(SystemExit, match="are missing"):
        build.main(["--check"])


def test_every_panel_is_documented() -> None:
    rows = set((ROOT / "docs/dashboards.md").read_text().splitlines())
    missing = [
        str(place)
        for place in PANELS
        if f"| {place.panel['title']} | {place.panel['description']} |" not in rows
    ]
    assert missing == []


@boards
def test_name_and_uid(name: str) -> None:
    board = BOARDS[name]
    assert board["uid"] == f"panewatch-{name}"
    assert board["title"] == f"panewatch / {name.capitalize()}"
    assert board["description"].endswith(".")
    assert board["tags"] == ["panewatch"]
    assert board["editable"] is False
    assert "id" not in board


@boards
def test_leads_to_the_others_by_tag(name: str) -> None:
    (link,) = BOARDS[name]["links"]
    assert (link["type"], link["tags"]) == ("dashboards", ["panewatch"])
    assert link["asDropdown"]
    assert link["includeVars"]
    assert link["keepTime"]


def find_urls(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["url"]] if value.get("url") else []
        return own + [url for inner in value.values() for url in find_urls(inner)]
    if isinstance(value, list):
        return [url for inner in value for url in find_urls(inner)]
    return []


def test_links_lead_to_dashboards_and_variables_that_exist() -> None:
    urls = {url for board in BOARDS.values() for url in find_urls(board)}
    assert urls
    uids = {board["uid"]: name for name, board in BOARDS.items()}
    for url in urls:
        uid = re.match(r"/d/([\w-]+)\?", url)
        assert uid, url
        known = {variable["name"] for variable in read_variables(uids[uid[1]])}
        assert set(re.findall(r"var-(\w+)=", url)) <= known
        assert set(re.findall(r"\$\{(\w+):queryparam\}", url)) <= known


def test_label_values_in_links_cannot_add_parameters() -> None:
    for board in BOARDS.values():
        for url in find_urls(board):
            fields = re.findall(r"\$\{__data\.fields[^}]*\}", url)
            assert all(field.endswith(":percentencode}") for field in fields), url


@boards
def test_data_source_is_chosen_by_the_reader(name: str) -> None:
    first, *rest = read_variables(name)
    assert (first["name"], first["type"], first["query"]) == (
        "datasource",
        "datasource",
        "prometheus",
    )
    assert {variable["datasource"]["uid"] for variable in rest} == {"${datasource}"}


@boards
def test_variables_are_lists_read_again_with_the_time_range(name: str) -> None:
    found = {variable["name"]: variable for variable in read_variables(name)[1:]}
    assert {"job", "instance"} <= set(found)
    for variable in found.values():
        assert variable["type"] == "query"
        assert variable["label"] == variable["name"].capitalize()
        assert variable["multi"]
        assert variable["allValue"]
        assert variable["refresh"] == 2


@boards
def test_all_jobs_are_only_jobs_of_panewatch(name: str) -> None:
    (job,) = [variable for variable in read_variables(name) if variable["name"] == "job"]
    every = re.compile(job["allValue"])
    assert every.fullmatch("panewatch")
    assert every.fullmatch("my-panewatch-gpu")
    assert not every.fullmatch("prometheus")
    assert f'up{{job=~"{job["allValue"]}"}}' in job["query"]["query"]


def test_panes_opens_with_one_host() -> None:
    """Two hosts may use the same names of panes."""
    (instance,) = [v for v in read_variables("panes") if v["name"] == "instance"]
    assert not instance["includeAll"]
    others = [v for v in read_variables("panes")[1:] if v["name"] != "instance"]
    assert [v["name"] for v in others] == ["job", "server", "session", "window", "pane"]
    assert all(v["includeAll"] for v in others)


@boards
def test_every_variable_is_used_and_known(name: str) -> None:
    board = BOARDS[name]
    known = {variable["name"] for variable in read_variables(name)}
    queries = [target["expr"] for panel in board["panels"] for target in panel.get("targets", [])]
    lookups = [variable["query"]["query"] for variable in read_variables(name)[1:]]
    text = "\n".join(queries + lookups)
    used = set(re.findall(r"\$(\w+)", text)) - {"__rate_interval", "__range"}
    assert used == known - {"datasource"}


@boards
def test_panels_have_their_own_ids_and_titles(name: str) -> None:
    panels = BOARDS[name]["panels"]
    for key in ("id", "title"):
        values = [panel[key] for panel in panels]
        assert len(set(values)) == len(values)
    assert sum(panel["type"] != "row" for panel in panels) <= 20


@boards
def test_panels_lie_side_by_side_without_holes(name: str) -> None:
    cells: set[tuple[int, int]] = set()
    for panel in BOARDS[name]["panels"]:
        place = panel["gridPos"]
        own = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not own & cells, panel["title"]
        cells |= own
    height = max(y for _, y in cells) + 1
    assert cells == {(x, y) for x in range(24) for y in range(height)}


@boards
def test_the_first_panel_stands_under_a_heading(name: str) -> None:
    assert BOARDS[name]["panels"][0]["type"] == "row"
    assert all(not panel.get("collapsed") for panel in BOARDS[name]["panels"])


def test_states_are_those_of_the_contract() -> None:
    assert {state.name for state in PANE_STATES} == set(contract.STATES)
    assert {state.name for state in SERVER_STATES} == set(contract.SERVER_STATES)
    assert {state.name for state in GPU_STATES} == set(gpu_contract.STATES)
    assert tuple(WAITS) == contract.WAITS
    assert max(state.code for state in PANE_STATES) < int(GONE)
    assert {state.name for state in STATUSES} == set(model.STATUSES)
    for states in (PANE_STATES, SERVER_STATES, GPU_STATES, REASONS):
        assert [state.code for state in states] == list(range(1, len(states) + 1))
        assert len({state.text for state in states}) == len(states)


def test_reasons_are_those_of_the_contract_in_the_colours_of_their_verdicts() -> None:
    assert VERDICTS.keys() == set(experiments_contract.VERDICTS)
    told = {state.name: state.text.partition(":")[0] for state in REASONS}
    assert told == experiments_contract.REASONS
    early = {"early", "waiting"}
    assert {s.color for s in REASONS if s.name in early}.isdisjoint(VERDICTS.values())
    assert all(s.color == VERDICTS[told[s.name]] for s in REASONS if s.name not in early)


def test_provisioned_data_sources_fit_the_dashboards() -> None:
    file = ROOT / "grafana/provisioning/datasources/panewatch.yml"
    sources = {source["uid"]: source for source in yaml.safe_load(file.read_text())["datasources"]}
    assert set(sources) == {"prometheus", "alertmanager"}
    source = sources["prometheus"]
    prometheus = yaml.safe_load((ROOT / "prometheus/prometheus.yml").read_text())
    assert source["isDefault"]
    assert source["jsonData"]["timeInterval"] == prometheus["global"]["scrape_interval"]
    assert source["jsonData"]["alertmanagerUid"] == "alertmanager"
    for board in BOARDS.values():
        current = board["templating"]["list"][0]["current"]
        assert (current["value"], current["text"]) == (source["uid"], source["name"])


def test_provisioning_takes_addresses_and_folders_from_the_environment() -> None:
    text = "".join(file.read_text() for file in (ROOT / "grafana/provisioning").rglob("*.yml"))
    named = set(re.findall(r": \$(\w+)$", text, re.MULTILINE))
    assert named == {
        "PANEWATCH_DASHBOARDS",
        "PANEWATCH_PROMETHEUS_URL",
        "PANEWATCH_ALERTMANAGER_URL",
    }
    page = (ROOT / "docs/dashboards.md").read_text()
    assert all(f"`{name}`" in page for name in named)


def test_json_is_written_in_one_way() -> None:
    for name, board in BOARDS.items():
        text = (ROOT / f"grafana/dashboards/{name}.json").read_text()
        assert text == json.dumps(board, indent=2, sort_keys=True) + "\n"
