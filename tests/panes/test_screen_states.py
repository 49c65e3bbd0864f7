"""What panes do as their screens tell: real tmux, real programs, agents played by puppets."""

from __future__ import annotations

import shlex
import shutil
import time
from collections.abc import Sequence

import pytest

from panes.private_tmux import PrivateTmux, Puppet
from panes.watching import EAGER, Watch
from panewatch.panes.screens import ScreenBook, load_screens
from polling import wait_until

RULE = "─" * 70
INPUT = (RULE, "❯ ", RULE, "  ? for shortcuts")
WORKS = (
    "● Reading the file",
    "",
    "✢ Kneading… (12s · ↑ 1.5k tokens · esc to interrupt)",
    "",
    *INPUT,
)
RESTS = ("● The tests pass now.", "", "✻ Worked for 1m 52s", "", *INPUT)
ASKS = (
    RULE, " Bash command", "", "   rm -rf build", "   Remove the build folder", "",
    " Do you want to proceed?", " ❯ 1. Yes", "   2. Yes, and don't ask again for rm commands",
    "   3. No, and tell Claude what to do differently (esc)", "", " Esc to cancel",
)  # fmt: skip


@pytest.fixture(scope="module")
def book() -> ScreenBook:
    return load_screens(EAGER)


def draw(puppet: Puppet, lines: Sequence[str]) -> None:
    """Draw a whole screen at once, as agents do."""
    puppet.show("\x1b[?2026h\x1b[H\x1b[2J" + "\r\n".join(lines) + "\x1b[?2026l")


def follow(watch: Watch, pane: str, state: str, kind: str = "") -> None:
    """Look until a pane is in a state, and waits with this kind."""

    def agrees() -> bool:
        watch.look()
        view = watch.view(pane)
        return (view.state, view.wait.kind if view.wait else "") == (state, kind)

    wait_until(agrees, what=f"{pane} to be {state} {kind}")


def waits(watch: Watch, kind: str) -> tuple[float, float]:
    """Return the number of waits of a kind that ended, and the sum of their seconds."""
    assert watch.sweeper.published is not None
    found = {
        sample.name.rpartition("_")[2]: sample.value
        for sample in watch.sweeper.published.waits
        if sample.labels["kind"] == kind
    }
    return found["count"], found["sum"]


def test_an_agent_works_asks_and_rests(tmux: PrivateTmux, book: ScreenBook) -> None:
    puppet = Puppet(tmux, called="claude")
    watch = Watch(tmux, screens=book)
    draw(puppet, WORKS)
    follow(watch, puppet.pane, "working")
    assert watch.view(puppet.pane).program.agent == "claude"
    draw(puppet, ASKS)
    began = time.time()
    follow(watch, puppet.pane, "waiting_input", "permission")
    wait = watch.view(puppet.pane).wait
    assert wait is not None
    assert began - 1 < wait.since_time < time.time()
    assert waits(watch, "permission") == (0, 0)
    draw(puppet, WORKS)
    watch.look()
    assert watch.view(puppet.pane).state == "working"
    count, seconds = waits(watch, "permission")
    assert count == 1
    assert 0 < seconds < 30
    draw(puppet, RESTS)
    follow(watch, puppet.pane, "idle")
    assert watch.witness.updates[-1].screen.state in {"working", "idle"}
    assert watch.witness.updates[-1].screen.program == "claude"


def test_a_prompt_that_flickers_by_is_not_waited_at(tmux: PrivateTmux, book: ScreenBook) -> None:
    puppet = Puppet(tmux, called="claude")
    watch = Watch(tmux, screens=book)
    for _ in range(5):
        for lines in (WORKS, ASKS):
            draw(puppet, lines)
            watch.look()
            assert watch.view(puppet.pane).state != "waiting_input"
    assert waits(watch, "permission") == (0, 0)


@pytest.mark.parametrize("lines", [WORKS, ASKS])
def test_what_scrolled_away_decides_nothing(
    tmux: PrivateTmux, book: ScreenBook, lines: Sequence[str]
) -> None:
    puppet = Puppet(tmux, called="claude")
    watch = Watch(tmux, screens=book)
    puppet.print(*lines, *(f"  {number} def read(): ..." for number in range(60)))
    draw(puppet, ["● Quoted:", *("  " + line for line in lines), "", *RESTS])
    follow(watch, puppet.pane, "idle")
    assert waits(watch, "permission") == (0, 0)


def test_the_wait_of_a_pane_that_is_gone_counts(tmux: PrivateTmux, book: ScreenBook) -> None:
    tmux.start("sleep 1000")
    puppet = Puppet.beside(tmux, "claude")
    watch = Watch(tmux, screens=book)
    draw(puppet, ASKS)
    follow(watch, puppet.pane, "waiting_input", "permission")
    tmux.run("kill-pane", "-t", puppet.pane)
    wait_until(lambda: watch.look() or waits(watch, "permission")[0] == 1)


def test_a_wait_moves_with_its_pane(tmux: PrivateTmux, book: ScreenBook) -> None:
    tmux.start("sleep 1000")
    puppet = Puppet.beside(tmux, "claude")
    watch = Watch(tmux, screens=book)
    draw(puppet, ASKS)
    follow(watch, puppet.pane, "waiting_input", "permission")
    before = watch.view(puppet.pane)
    tmux.run("split-window", "-d", "-b", "-t", puppet.pane, "sleep 1000")
    wait_until(lambda: watch.look() or watch.view(puppet.pane).identity != before.identity)
    follow(watch, puppet.pane, "waiting_input", "permission")
    assert watch.view(puppet.pane).wait == before.wait
    assert waits(watch, "permission") == (0, 0)


def test_an_agent_that_is_killed_waits_for_nobody(tmux: PrivateTmux, book: ScreenBook) -> None:
    tmux.start("sleep 1000")
    puppet = Puppet.beside(tmux, "claude")
    watch = Watch(tmux, screens=book)
    draw(puppet, ASKS)
    follow(watch, puppet.pane, "waiting_input", "permission")
    tmux.run("run-shell", f"kill -9 {tmux.ask('#{pane_pid}', puppet.pane)}")
    follow(watch, puppet.pane, "dead")
    assert waits(watch, "permission")[0] == 1
    tmux.run("respawn-pane", "-t", puppet.pane, "sleep 1000")
    follow(watch, puppet.pane, "working")


def test_the_screen_that_a_killed_agent_left_decides_nothing(
    tmux: PrivateTmux, book: ScreenBook
) -> None:
    tmux.start()
    left = tmux.folder / "left"
    left.write_text("\n".join(WORKS))
    watch = Watch(tmux, screens=book)
    follow(watch, "%0", "idle")
    tmux.run("send-keys", "-t", "%0", f"clear; cat {left}", "Enter")
    wait_until(lambda: "Kneading" in tmux.run("capture-pane", "-p", "-t", "%0"))
    follow(watch, "%0", "idle")


def test_an_agent_behind_another_program_is_seen(tmux: PrivateTmux, book: ScreenBook) -> None:
    puppet = Puppet(tmux, called="docker")
    watch = Watch(tmux, screens=book)
    draw(puppet, RESTS)
    wait_until(lambda: watch.look() or watch.view(puppet.pane).program.agent == "claude")
    follow(watch, puppet.pane, "idle")
    draw(puppet, ["bash: claude: gone", "root@box:~# "])
    wait_until(lambda: watch.look() or watch.view(puppet.pane).program.agent == "")


@pytest.mark.parametrize(
    ("command", "lines"),
    [
        ("exec tail -f {file}", ASKS),
        ("cat {file}; sleep 1000", ASKS),
        ("exec watch -t cat {file}", ASKS),
        ("cat {file}; exec python3 -c 'import time; time.sleep(1000)'", RESTS),
    ],
)
def test_the_text_of_an_agent_is_none_where_another_program_shows_it(
    tmux: PrivateTmux, book: ScreenBook, command: str, lines: Sequence[str]
) -> None:
    recorded = tmux.folder / "recording-of-claude"
    recorded.write_text("\n".join(lines) + "\n")
    pane = tmux.start(command.format(file=shlex.quote(str(recorded))))
    watch = Watch(tmux, EAGER.model_copy(update={"working_for": 0.5}), screens=book)
    wait_until(lambda: lines[-1].strip() in tmux.run("capture-pane", "-p", "-t", pane))
    end = time.monotonic() + 2.0  # twice as long as a prompt has to stand
    seen = set()

    def look() -> bool:
        watch.look()
        seen.add((watch.view(pane).state, watch.view(pane).program.agent))
        return time.monotonic() > end

    wait_until(look)
    assert "waiting_input" not in {state for state, _ in seen}
    assert {agent for _, agent in seen} == {""}


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        ("read -rsp 'me@host'\"'\"'s password: ' x; echo; sleep 1000", "password"),
        ("read -rsp '[sudo] password for me: ' x; echo; sleep 1000", "password"),
        ("read -rp 'Do you want to continue? [Y/n] ' x; sleep 1000", "confirm"),
        ("read -rp 'Are you sure (yes/no/[fingerprint])? ' x; sleep 1000", "confirm"),
    ],
)
def test_any_program_may_ask(tmux: PrivateTmux, book: ScreenBook, script: str, kind: str) -> None:
    pane = tmux.start(f"seq 30; {script}")
    watch = Watch(tmux, screens=book)
    follow(watch, pane, "waiting_input", kind)
    tmux.run("send-keys", "-t", pane, "y", "Enter")
    follow(watch, pane, "working")
    assert waits(watch, kind)[0] == 1


def test_a_program_that_computes_asks_for_nothing(tmux: PrivateTmux, book: ScreenBook) -> None:
    prompt = "printf '[sudo] password for me: '"
    busy = tmux.start(f"{prompt}; exec python3 -c 'while 1: pass'")
    asks = tmux.open(f"{prompt}; exec python3 -c 'input()'")
    watch = Watch(tmux, EAGER, screens=book)
    follow(watch, asks, "waiting_input", "password")
    follow(watch, busy, "working")
    end = time.monotonic() + 3.0
    wait_until(
        lambda: (
            follow(watch, asks, "waiting_input", "password")
            or watch.view(busy).state != "working"
            or time.monotonic() > end
        )
    )
    assert watch.view(busy).state == "working"


def find(program: str) -> str:
    path = shutil.which(program)
    if path is None:
        pytest.skip(f"{program} is not installed")
    return path


@pytest.mark.parametrize(
    ("command", "states"),
    [
        ("less", {("waiting_input", "pager"), ("idle", "")}),
        ("vim", {("idle", "")}),
        ("top", {("idle", ""), ("working", "")}),
        ("htop", {("idle", ""), ("working", "")}),
    ],
)
def test_programs_that_fill_the_screen(
    tmux: PrivateTmux, book: ScreenBook, command: str, states: set[tuple[str, str]]
) -> None:
    path = tmux.folder / "notes"
    prose = ("Do you want to proceed?", "Password:", "✢ Kneading… (12s · esc to interrupt)")
    path.write_text("\n".join([*prose, *map(str, range(200))]))
    names = {"less": f"{find('less')} {path}", "vim": f"{find('vim')} -u NONE {path}"}
    pane = tmux.start(names.get(command) or find(command))
    watch = Watch(tmux, EAGER.model_copy(update={"working_for": 0.5}), screens=book)
    wait_until(lambda: tmux.ask("#{alternate_on}", pane) == "1" or command == "top")
    seen: list[tuple[str, str]] = []

    def settles() -> bool:
        watch.look()
        view = watch.view(pane)
        seen.append((view.state, view.wait.kind if view.wait else ""))
        return seen[-1] in states and len(seen) > 1 and watch.view(pane).captures > 5

    wait_until(settles, what=command)
    assert {state for state, _ in seen} <= {"working", "unknown"} | {state for state, _ in states}
    assert {kind for _, kind in seen} <= {kind for _, kind in states}


@pytest.mark.parametrize(
    ("command", "kind", "tells"),
    [
        ("-c core.editor='vim -u NONE' commit --allow-empty", "editor", ("idle", "")),
        ("-c core.pager='LESS= less' log", "pager", ("waiting_input", "pager")),
    ],
)
def test_what_git_opens_on_its_terminal_counts(
    tmux: PrivateTmux, book: ScreenBook, command: str, kind: str, tells: tuple[str, str]
) -> None:
    find("vim" if kind == "editor" else "less")
    git = f"git -C {shlex.quote(str(tmux.folder))} -c user.name=me -c user.email=me@box"
    tmux.start(f"{git} init -q; {git} commit -q --allow-empty -m first; exec {git} {command}")
    watch = Watch(tmux, EAGER.model_copy(update={"working_for": 0.5}), screens=book)
    wait_until(lambda: tmux.ask("#{alternate_on}", "%0") == "1")
    follow(watch, "%0", *tells)
    program = watch.view("%0").program
    assert (program.command, program.kind) == ("git", kind)


def test_a_debugger_waits_for_a_person(tmux: PrivateTmux, book: ScreenBook) -> None:
    script = tmux.folder / "program.py"
    script.write_text("print('hello')\nprint('again')\n")
    pane = tmux.start(f"{find('python3')} -m pdb {shlex.quote(str(script))}")
    watch = Watch(tmux, screens=book)
    wait_until(lambda: "(Pdb)" in tmux.run("capture-pane", "-p", "-t", pane))
    wait_until(lambda: watch.look() or watch.view(pane).wait, what="pdb to wait")
    assert watch.view(pane).state == "waiting_input"


def test_a_program_that_reads_without_a_prompt_is_not_guessed_at(
    tmux: PrivateTmux, book: ScreenBook
) -> None:
    pane = tmux.start("seq 30; read x; sleep 1000")
    settings = EAGER.model_copy(update={"working_for": 0.5, "stalled_after": 2.5})
    watch = Watch(tmux, settings, screens=book)
    states = set()
    wait_until(lambda: watch.look() or states.add(watch.view(pane).state) or "stalled" in states)
    assert states <= {"unknown", "working", "stalled"}


def test_a_silent_program_that_works_is_slow(tmux: PrivateTmux) -> None:
    pane = tmux.start("sh -c 'while :; do :; done'")
    idle = tmux.open("sleep 1000")
    settings = EAGER.model_copy(update={"working_for": 0.2, "stalled_after": 4.0})
    watch = Watch(tmux, settings)
    wait_until(lambda: watch.look() or watch.view(idle).state == "stalled")
    time_working = watch.view(idle).state_seconds["working"]
    wait_until(lambda: watch.look() or watch.view(idle).state_seconds["stalled"] > 1.0)
    assert watch.view(pane).state == "working"
    assert watch.view(idle).state_seconds["working"] == time_working
    assert (watch.view(pane).blocked, watch.view(idle).blocked) == (0, 0)


def test_a_bar_that_froze_is_stalled_until_it_moves(tmux: PrivateTmux) -> None:
    puppet = Puppet(tmux)
    settings = EAGER.model_copy(update={"working_for": 0.2, "stalled_after": 1.5})
    watch = Watch(tmux, settings)
    puppet.show("\r 41%|####      | 410/1000")
    follow(watch, puppet.pane, "working")
    follow(watch, puppet.pane, "stalled")
    puppet.show("\r 42%|####      | 420/1000")
    follow(watch, puppet.pane, "working")


@pytest.mark.parametrize(
    ("output", "loops"),
    [
        ("echo 'connect: Connection refused'", True),
        ("date '+%F %T,%N retrying'", True),
        ("echo step $((n += 1)) loss 0.$RANDOM", False),
        ("printf '\\r%d%%' $((n += 1))", False),
    ],
)
def test_output_that_goes_round_in_circles(tmux: PrivateTmux, output: str, loops: bool) -> None:
    pane = tmux.start(f"bash -c {shlex.quote(f'while :; do {output}; sleep 0.05; done')}")
    watch = Watch(tmux, EAGER.model_copy(update={"looping_window": 2.0, "looping_lines": 10}))
    watch.look()
    end = time.monotonic() + 3.5
    found = set()
    wait_until(
        lambda: (
            watch.look()
            or found.add(watch.view(pane).looping)
            or (loops and 1 in found)
            or time.monotonic() > end
        )
    )
    assert (1 in found) is loops


@pytest.mark.parametrize(("lines", "loops"), [(WORKS, False), (["Retrying"] * 9, True)])
def test_an_agent_that_works_and_clears_the_screen_is_no_loop(
    tmux: PrivateTmux, book: ScreenBook, lines: Sequence[str], loops: bool
) -> None:
    puppet = Puppet(tmux, called="claude")
    settings = EAGER.model_copy(update={"looping_window": 2.0, "looping_lines": 10})
    watch = Watch(tmux, settings, screens=book)
    found = set()
    end = time.monotonic() + 4.5
    while time.monotonic() < end and not (loops and 1 in found):
        puppet.print(*lines)
        watch.look()
        found.add(watch.view(puppet.pane).looping)
    assert (1 in found) is loops
