"""The packs that come with panewatch."""

from __future__ import annotations

from collections import Counter
from importlib import resources
from pathlib import Path

import pytest

from panes.screens.recordings import AGENTS, load_book
from panewatch.config import PanesSettings
from panewatch.panes.model import Frame
from panewatch.panes.screens.pack import KINDS, Pack
from panewatch.panes.screens.packfile import load_file
from panewatch.panes.screens.trial import check_examples, frame_text

PACKS = load_book().packs
FILES = sorted(Path(str(resources.files("panewatch.panes.screens"))).glob("packs/*.yaml"))


def test_every_recorded_screen_of_a_pack_means_what_it_says() -> None:
    assert [str(problem) for problem in check_examples(load_book(), PACKS)] == []


@pytest.mark.parametrize("pack", PACKS, ids=lambda pack: pack.id)
def test_every_pack_proves_itself(pack: Pack) -> None:
    assert pack.title
    assert any(example.means for example in pack.examples)
    assert all(example.source and example.date for example in pack.examples)
    assert pack.signs or pack.always


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_our_packs_pass_as_a_users(file: Path) -> None:
    assert load_file(str(file)).id in {pack.id for pack in PACKS}


def test_no_process_is_in_two_packs() -> None:
    names = Counter(process for pack in PACKS for process in pack.processes)
    assert [process for process, count in names.items() if count > 1] == []


def test_every_configured_agent_has_a_pack_that_knows_its_processes() -> None:
    configured = PanesSettings().agents
    packs = {pack.agent: pack for pack in PACKS if pack.agent}
    assert set(packs) == set(configured) == set(AGENTS)
    for agent, processes in configured.items():
        assert set(processes) <= packs[agent].processes


def test_every_kind_of_waiting_is_known() -> None:
    assert {marker.kind for pack in PACKS for marker in pack.markers} == {"", *KINDS}


def test_an_installer_that_names_the_process_after_its_version() -> None:
    frame = frame_text("✶ Foo… (3s)\n────────────\n❯\n────────────\n")
    assert load_book().read(frame, "2.1.197", "").program == "claude"


def test_an_agent_whose_process_has_another_name_is_read_by_its_pack() -> None:
    frame = frame_text("✶ Foo… (3s)\n────────────\n❯\n────────────\n")
    screen = load_book().read(frame, "my-wrapper", "claude")
    assert (screen.state, screen.agent) == ("working", "claude")


def test_an_agent_without_a_pack_keeps_its_name() -> None:
    assert load_book().read(frame_text("compiling"), "mybot", "mybot").agent == "mybot"


@pytest.mark.parametrize("lines", [[], [""], [" ", "\t"], ["\N{NO-BREAK SPACE}"]])
def test_an_empty_screen_says_nothing(lines: list[str]) -> None:
    screen = load_book().read(Frame(lines, 0, alternate=False), "", "")
    assert (screen.state, screen.program) == ("unknown", "")


def test_a_prompt_counts_only_where_the_cursor_is() -> None:
    lines = ["[sudo] password for dev:", "building", "still building"]
    assert load_book().read(Frame(lines, 2, alternate=False), "make", "").state == "unknown"
    assert load_book().read(Frame(lines, 0, alternate=False), "make", "").kind == "password"


def test_a_colon_is_a_pager_only_on_the_other_screen() -> None:
    lines = ["some text", ":"]
    for alternate, state in ((True, "waiting_input"), (False, "unknown")):
        assert load_book().read(Frame(lines, 1, alternate), "git", "").state == state


@pytest.mark.parametrize(("above", "state"), [("✶ Foo… (3s)", "working"), ("⏺ Done", "idle")])
def test_an_agent_that_a_script_runs_is_no_shell_at_its_prompt(above: str, state: str) -> None:
    """The cursor is in the agent's box, whose mark is that of many a shell."""
    lines = [above, "", "─" * 40, "❯ ", "─" * 40, "  ⏵⏵ accept edits on (shift+tab to cycle)"]
    for process in ("bash", "python3", ""):
        screen = load_book().read(Frame(lines, 3, alternate=False), process, "")
        assert (screen.state, screen.agent) == (state, "claude")


@pytest.mark.parametrize("process", ["claude", ""])
def test_a_dialog_that_somebody_writes_to_an_agent_asks_nobody(process: str) -> None:
    rule = "─" * 40
    dialog = ["Do you want to proceed?", "❯ 1. Yes", "  2. No", "Esc to cancel · Tab to amend"]
    hints = ["  ? for shortcuts"]
    draft = [rule, "❯ why does it say:", *("  " + row for row in dialog), rule, *hints]
    book = load_book()
    screen = book.read(frame_text("\n".join(["● Done.", *draft])), process, process)
    assert (screen.state, screen.agent) == ("idle", "claude")
    asked = book.read(frame_text("\n".join(["● Done.", rule, *dialog])), process, process)
    assert (asked.state, asked.kind) == ("waiting_input", "permission")


@pytest.mark.parametrize(
    ("screen", "kind"),
    [
        ("rm: remove regular empty file 'q'?", "confirm"),
        ("rm: remove write-protected regular file 'a b'? ", "confirm"),
        ("cp: overwrite 'q2'?", "confirm"),
        ("  Only 'yes' will be accepted to approve.\n\n  Enter a value:", "question"),
        ("1) yes\n2) no\n#?", "question"),
        ("? Pick one › - Use arrow-keys. Return to submit.\n❯   red\n    blue", "question"),  # noqa: RUF001
        ("? Which one? (Use arrow keys)\n❯ red\n  blue", "question"),
        ("rm: cannot remove 'q': No such file or directory", ""),
        ("? Pick one › - Use arrow-keys. Return to submit.\n❯   red\ndone", ""),  # noqa: RUF001
        ("what is the value? Enter a value: 3", ""),
    ],
)
def test_prompts_of_common_programs(screen: str, kind: str) -> None:
    told = load_book().read(frame_text(screen), "some-program", "")
    assert (told.state == "waiting_input", told.kind) == (bool(kind), kind)
