"""What users can set, see or run is documented, and what is documented exists."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from markdown import ROOT, find_anchors, find_fault, find_links, list_pages
from panewatch import reference
from panewatch.cli import build_parser
from panewatch.contract import MetricSpec
from panewatch.settings_file import variable
from panewatch.settings_schema import find_leaves

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCS = ROOT / "docs"
PAGES = list_pages()
SPECS = [spec for _, specs in reference.DOMAINS for spec in specs]
LINKS = [(page, target) for page in PAGES for target in find_links(page.read_text("utf-8"))]
SERIES = re.compile(r"\bpanewatch_[a-z0-9_]*[a-z0-9]\b")


def name_page(page: Path) -> str:
    return str(page.relative_to(ROOT))


def list_parsers() -> dict[str, argparse.ArgumentParser]:
    """The parsers by the heading of their section; the top one stands under none."""
    parser = build_parser()
    return {"": parser, **{each.prog: each for _, each in reference.find_subcommands(parser)}}


def list_flags() -> Iterator[tuple[str, str]]:
    for heading, parser in list_parsers().items():
        for action in parser._actions:
            if action.help != argparse.SUPPRESS:
                yield from ((heading, flag) for flag in action.option_strings)


def read_section(page: str, heading: str) -> str:
    """The lines of a page under a second-level heading, or before the first."""
    parts = re.split(r"^## ", (DOCS / page).read_text("utf-8"), flags=re.MULTILINE)
    sections = {part.partition("\n")[0]: part for part in parts[1:]}
    return sections[heading] if heading else parts[0]


@pytest.mark.parametrize("name", reference.PAGES)
def test_generated_page_is_as_its_generator_writes_it(name: str) -> None:
    message = "run `python -m panewatch.reference` and commit what it writes"
    assert (DOCS / name).read_text("utf-8") == reference.PAGES[name](), message


@pytest.mark.parametrize("path", [path for path, _ in find_leaves()], ids=".".join)
def test_setting_is_documented(path: tuple[str, ...]) -> None:
    section = read_section("configuration.md", path[0])
    rows = [line for line in section.splitlines() if f"`{'.'.join(path)}`" in line]
    assert len(rows) == 1
    assert f"`{variable(path)}`" in rows[0]
    key, value, default, meaning = re.split(r"(?<!\\)\|", rows[0])[1:5]
    assert all(cell.strip() for cell in (key, value, default, meaning))


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_metric_is_documented(spec: MetricSpec) -> None:
    text = (DOCS / "metrics.md").read_text("utf-8")
    rows = [line for line in text.splitlines() if line.startswith(f"| `{spec.full_name}` |")]
    assert len(rows) == 1
    assert spec.help in rows[0]
    assert spec.absent in rows[0]
    assert re.findall(r"`(\w+)`", rows[0].split("|")[3]) == list(spec.labels)


def test_metric_names_are_unique() -> None:
    names = [spec.name for spec in SPECS]
    assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize("heading", list(list_parsers())[1:])
def test_subcommand_is_documented(heading: str) -> None:
    sentence = read_section("cli.md", heading).split("\n")[2]
    assert sentence.endswith(".")
    assert len(sentence.split()) > 2, "says what it does"


@pytest.mark.parametrize(("heading", "flag"), list(list_flags()), ids=lambda part: part or "-")
def test_flag_is_documented(heading: str, flag: str) -> None:
    if flag in ("-h", "--help"):
        return
    section = read_section("cli.md", heading)
    if "flags of `panewatch` too." in section:
        section += read_section("cli.md", "")
    found = re.search(rf"^\|.*`{re.escape(flag)}[ `].*\| (.+) \|$", section, re.MULTILINE)
    assert found, f"{flag} is missing"
    assert len(found[1].split()) > 1, "says what it does"


@pytest.mark.parametrize("page", PAGES, ids=name_page)
def test_metric_that_a_page_names_exists(page: Path) -> None:
    known = {spec.full_name for spec in SPECS}
    known |= {name + end for name in known for end in ("_bucket", "_sum", "_count")}
    known |= {spec.full_name.removesuffix("_total") for spec in SPECS if spec.type == "counter"}
    named = set(SERIES.findall(page.read_text("utf-8")))
    assert named <= known, f"{sorted(named - known)} are not exported"


@pytest.mark.parametrize("page", PAGES, ids=name_page)
def test_command_that_a_page_names_exists(page: Path) -> None:
    commands = {heading.rpartition(" ")[2] for heading in list_parsers()}
    flags = {flag for _, flag in list_flags()}
    for code in re.findall(r"`panewatch( [^`\n]*)`", page.read_text("utf-8")):
        words = code.split()
        if re.fullmatch(r"[a-z][a-z-]*", words[0]):
            assert words[0] in commands, f"there is no `panewatch {words[0]}`"
        unknown = {word.partition("=")[0] for word in words if word.startswith("--")} - flags
        assert not unknown, f"{sorted(unknown)} in `panewatch{code}`"


@pytest.mark.parametrize("page", PAGES, ids=name_page)
def test_command_on_a_pane_reaches_it_and_keeps_lines_whole(page: Path) -> None:
    commands = re.findall(r"`(tmux [^`\n]*PANE[^`\n]*)`", page.read_text("utf-8"))
    assert all(command.startswith("tmux -L SERVER ") for command in commands)
    for command in re.findall(r"\btmux [^`\n]*capture-pane[^`\n]* -S - [^`\n]*", page.read_text()):
        assert "-pJ" in command, "tmux breaks lines at the edge of the pane, and rules need them"


@pytest.mark.parametrize(
    ("page", "target"), LINKS, ids=[f"{name_page(page)}->{target}" for page, target in LINKS]
)
def test_link_leads_somewhere(page: Path, target: str) -> None:
    assert find_fault(page, target) == ""


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if DOCS in page.parents and page.parent.name != "runbooks"],
    ids=name_page,
)
def test_page_can_be_found(page: Path) -> None:
    """Another page links to it; to runbooks, alerts do."""
    linked = {(origin.parent / target.partition("#")[0]).resolve() for origin, target in LINKS}
    assert page in linked, f"no page links to {name_page(page)}"


def test_every_module_has_its_line_in_the_architecture() -> None:
    package = Path(reference.__file__).parent
    modules = {str(path.relative_to(package)) for path in package.rglob("[!_]*.py")}
    named = re.findall(r"^\| `(\S+\.py)` \|", (DOCS / "architecture.md").read_text(), re.MULTILINE)
    assert sorted(named) == sorted(modules)


class TestGenerator:
    def test_writes_compares_and_names_what_differs(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        folder = ["--docs", str(tmp_path)]
        assert reference.main(["--check", *folder]) == 1
        assert list(tmp_path.iterdir()) == [], "--check writes nothing"
        assert reference.main(folder) == 0
        assert {page.name for page in tmp_path.iterdir()} == set(reference.PAGES)
        assert reference.main(["--check", *folder]) == 0
        capsys.readouterr()
        (tmp_path / "metrics.md").write_text("old\n")
        assert reference.main(["--check", *folder]) == 1
        assert capsys.readouterr().out == f"{tmp_path / 'metrics.md'}: differs from the code\n"

    def test_metrics_page_follows_the_specs(self) -> None:
        spec = MetricSpec("cups_total", "counter", "Cups | mugs.", ("size",), absent="in the rain")
        page = reference.render_metrics([("Kitchen", (spec,))])
        row = r"| `panewatch_cups_total` | counter | `size` | Cups \| mugs. Absent in the rain. |"
        assert (
            f"## Kitchen\n\n| metric | type | labels | meaning |\n|---|---|---|---|\n{row}" in page
        )

    def test_cli_page_follows_the_parser(self) -> None:
        parser = argparse.ArgumentParser(prog="prog", description="watches")
        parser.add_argument("--hidden", help=argparse.SUPPRESS)
        commands = parser.add_subparsers(dest="command")
        brew = commands.add_parser("brew", help="makes tea")
        brew.add_argument("--hot.water", metavar="ML", default=3, help="%(default)s of 100%%")
        brew.add_argument("--milk", action=argparse.BooleanOptionalAction, help="with milk")
        brew.add_argument("pot", nargs="?", choices=["red", "blue"], help="which pot")
        page = reference.render_cli(parser)
        assert "-->\n\nWatches.\n" in page
        assert "hidden" not in page
        assert page[page.index("\n##") :] == (
            "\n## prog brew\n\nMakes tea.\n\n| argument | meaning |\n|---|---|\n"
            "| `--hot.water ML` | 3 of 100%. |\n| `--milk`, `--no-milk` | With milk. |\n"
            "| `POT` | Which pot. `red` `blue` |\n"
        )


class TestLinks:
    def test_found_outside_code_only(self) -> None:
        text = (
            "[a](b.md) `[c](d.md)` [e](https://f) [g](mailto:h@i)\n"
            '```\n[j](k.md)\n```\n![l](<m.png>) [n](o.md#p "q")\n[r]: s.md\n'
        )
        assert find_links(text) == ["b.md", "m.png", "o.md#p", "s.md"]

    def test_anchors_are_those_of_github(self) -> None:
        text = "# One `two`: three!\n## a_b\n## a_b\n```\n# code\n```\n### [x](y) & z\n"
        assert find_anchors(text) == {"one-two-three", "a_b", "a_b-1", "x--z"}

    def test_faults_are_named(self, tmp_path: Path) -> None:
        page = tmp_path / "a.md"
        page.write_text("# Here\n")
        (tmp_path / "b.md").write_text("# There\n")
        for target in ("#here", "b.md", "b.md#there", "."):
            assert find_fault(page, target) == ""
        assert find_fault(page, "c.md") == "c.md does not exist"
        assert find_fault(page, "#there") == "#there names no heading of a.md"
        assert find_fault(page, "b.md#here") == "b.md#here names no heading of b.md"

    def test_pages_of_hidden_folders_are_left_out(self, tmp_path: Path) -> None:
        for name in ("README.md", "docs/a.md", ".venv/b.md", "venv/c.md"):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text("")
        assert list_pages(tmp_path) == [tmp_path / "README.md", tmp_path / "docs/a.md"]
