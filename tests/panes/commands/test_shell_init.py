"""What shells write of the commands that are typed into them, and what they leave alone."""

from __future__ import annotations

import os
import shlex
import stat
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest

from panes.commands.shells import PROMPT, ShellPane, need
from panes.private_tmux import PrivateTmux
from panewatch.cli import main
from panewatch.panes.commands.records import LONGEST, Began, Hello
from panewatch.panes.commands.shell_init import SHELLS, render
from polling import wait_until

CLOCKED = ("bash", "zsh")
"""Shells that know the time."""


@pytest.mark.parametrize("shell", SHELLS)
def test_each_command_is_told_with_its_status(tmux: PrivateTmux, shell: str) -> None:
    pane = ShellPane(tmux, shell)
    lines = [
        ("true", 0), ("false", 1), ("false | true", 0), ("true | false", 1), ("sh -c 'exit 7'", 7),
        ("sh -c 'kill -9 $$'", 137), ("no-such-program-at-all", 127), ("cd /; pwd", 0),
        ("echo 'a\\b'", 0), ("printf x", 0), ("ümlaut-ß✓", 127),
    ]  # fmt: skip
    if shell != "fish":
        lines += [("(exit 3)", 3), ("exit 3 | cat", 0)]
    ended = [pane.run(line) for line, _ in lines]
    assert [(record.line, record.status) for record in ended] == lines
    assert {record.shell for record in pane.records()} == {int(tmux.ask("#{pane_pid}", pane.pane))}
    assert isinstance(pane.records()[0], Hello)
    assert all(record.seconds < 5 for record in ended)


@pytest.mark.parametrize("shell", SHELLS)
def test_a_command_is_told_with_its_times(tmux: PrivateTmux, shell: str) -> None:
    pane = ShellPane(tmux, shell)
    began = time.time()
    record = pane.run("sleep 0.7")
    ended = time.time()
    assert 0.7 <= record.seconds <= ended - began
    if shell in CLOCKED:
        assert record.at is not None
        assert began <= record.at - record.seconds <= record.at <= ended
    if shell != "bash":
        before = [one for one, after in pairwise(pane.records()) if after == record]
        assert [type(one) for one in before] == [Began]


@pytest.mark.parametrize("shell", SHELLS)
def test_nothing_is_told_where_no_command_ran(tmux: PrivateTmux, shell: str) -> None:
    pane = ShellPane(tmux, shell)
    pane.type("Enter", "Enter", "  ", "Enter")
    pane.tmux.run("send-keys", "-t", pane.pane, "half a line")
    wait_until(lambda: "half a line" in pane.shown())

    def cancel() -> bool:
        # A shell that is busy with its prompt may miss one.
        pane.tmux.run("send-keys", "-t", pane.pane, "C-c")
        return pane.shown().rstrip().endswith(PROMPT)

    wait_until(cancel, what="an empty prompt")
    assert pane.run("true").line == "true"
    assert len(pane.ended()) == 1


@pytest.mark.parametrize("shell", SHELLS)
def test_ctrl_c_ends_a_command_with_its_status(tmux: PrivateTmux, shell: str) -> None:
    pane = ShellPane(tmux, shell)
    pane.enter("sleep 600")
    wait_until(lambda: tmux.ask("#{pane_current_command}", pane.pane) == "sleep")
    tmux.run("send-keys", "-t", pane.pane, "C-c")
    wait_until(pane.ended)
    assert [(record.line, record.status) for record in pane.ended()] == [("sleep 600", 130)]


@pytest.mark.parametrize("shell", SHELLS)
def test_lines_and_quotes_over_several_lines_are_one_command(tmux: PrivateTmux, shell: str) -> None:
    pane = ShellPane(tmux, shell)
    pane.enter("echo 'first")
    record = pane.run("second'")
    assert (record.line, record.status) == ("echo 'first ; second'", 0)


@pytest.mark.parametrize("shell", CLOCKED)
def test_what_runs_in_the_background_ends_for_the_shell_at_once(
    tmux: PrivateTmux, shell: str
) -> None:
    pane = ShellPane(tmux, shell)
    record = pane.run("sleep 5 &")
    assert (record.line, record.status) == ("sleep 5 &", 0)
    assert record.seconds < 4


@pytest.mark.parametrize("shell", SHELLS)
def test_a_long_line_is_cut_and_written_at_once(tmux: PrivateTmux, shell: str) -> None:
    pane = ShellPane(tmux, shell)
    record = pane.run(": " + "✓" * 700)
    assert record.line == (": " + "✓" * 700)[:500]
    record = pane.run(": " + "\\\\" * 400)
    assert record.line == (": " + "\\\\" * 400)[:500]
    assert max(map(len, pane.read().split(b"\n"))) < LONGEST


@pytest.mark.parametrize("shell", SHELLS)
def test_a_line_that_the_history_is_not_to_know_is_not_told(tmux: PrivateTmux, shell: str) -> None:
    before = {"bash": "HISTCONTROL=ignoreboth", "zsh": "setopt hist_ignore_space", "fish": ""}
    pane = ShellPane(tmux, shell, before=before[shell])
    pane.run("echo known")
    record = pane.run(" echo s3cret; false")
    assert (record.line, record.status) == ("", 1)
    assert b"s3cret" not in b"".join(path.read_bytes() for path in pane.folder.iterdir())


@pytest.mark.parametrize("control", ["", "ignoredups", "ignoreboth", "erasedups"])
def test_bash_tells_a_line_that_is_run_again(tmux: PrivateTmux, control: str) -> None:
    pane = ShellPane(tmux, before=f"HISTCONTROL={control}")
    lines = ["echo one", "echo one", "echo two", "echo one", "echo one"]
    assert [pane.run(line).line for line in lines] == lines


def test_bash_without_a_history_tells_no_line(tmux: PrivateTmux) -> None:
    pane = ShellPane(tmux, before="set +o history")
    assert (pane.run("false").line, pane.ended()[0].status) == ("", 1)


@pytest.mark.parametrize("shell", SHELLS)
def test_the_files_are_private(tmux: PrivateTmux, shell: str) -> None:
    pane = ShellPane(tmux, shell, before="umask 0")
    pane.run("true")
    files = list(pane.folder.iterdir())
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert stat.S_IMODE(pane.folder.stat().st_mode) == 0o700
    assert "0000" in pane.tell("umask").rjust(4, "0")


@pytest.mark.parametrize("shell", SHELLS)
def test_a_file_that_is_gone_is_made_again_and_a_large_one_is_emptied(
    tmux: PrivateTmux, shell: str
) -> None:
    pane = ShellPane(tmux, shell)
    pane.journal.unlink()
    pane.run("true")
    assert stat.S_IMODE(pane.journal.stat().st_mode) == 0o600
    sets = "set -g __panewatch_told (seq 70000)" if shell == "fish" else "__panewatch_bytes=70000"
    pane.enter(sets)
    wait_until(lambda: "70000" in pane.shown())
    pane.enter("true")
    wait_until(lambda: len(pane.ended()) >= 1 and pane.ended()[-1].line == "true")
    assert len(pane.ended()) <= 2


@pytest.mark.parametrize("shell", SHELLS)
def test_old_and_huge_files_are_removed_when_a_shell_starts(tmux: PrivateTmux, shell: str) -> None:
    folder = tmux.folder / "commands here"
    folder.mkdir(mode=0o700)
    old, huge, fine = (folder / name for name in ("1.1", "1.2", "1.3"))
    for path in (old, huge, fine):
        path.write_bytes(b"x" * (200_000 if path is huge else 10))
    os.utime(old, (time.time() - 8 * 86400,) * 2)
    pane = ShellPane(tmux, shell)
    assert (old.exists(), huge.exists(), fine.exists()) == (False, False, True)
    assert pane.journal.exists()


@pytest.mark.parametrize("shell", SHELLS)
def test_files_of_others_are_left_alone_when_a_shell_starts(tmux: PrivateTmux, shell: str) -> None:
    folder = tmux.folder / "commands here"
    (folder / "deeper").mkdir(mode=0o700, parents=True)
    names = ("thesis.tex", "1.log", "2026.11.22", "2026.11.22.line", "1.2.3", "deeper/1.1", "1")
    for path in (folder / name for name in names):
        path.write_bytes(b"x" * 200_000)
        os.utime(path, (time.time() - 30 * 86400,) * 2)
    ours = folder / "1.1.line"
    ours.write_bytes(b"x" * 200_000)
    ShellPane(tmux, shell)
    assert not ours.exists()
    assert [name for name in names if not (folder / name).exists()] == []


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("foreign", [True, False])
def test_no_link_is_followed_that_another_user_may_have_put_there(
    tmux: PrivateTmux, shell: str, *, foreign: bool
) -> None:
    folder = tmux.folder / "commands here"
    folder.mkdir(mode=0o777)
    if foreign:
        if os.geteuid() != 0:
            pytest.skip("only root can make a folder another user's")
        os.chown(folder, 65534, 65534)
    pane = ShellPane(tmux, shell, reports=False)
    kept = []
    for name in (pane.journal.name, f"{pane.journal.name}.line"):
        victim = tmux.folder / f"victim of {name}"
        victim.write_text("as it was\n")
        kept.append(victim)
        (folder / name).symlink_to(victim)
    init = tmux.folder / "init"
    init.write_text(render(shell, str(folder)))
    pane.enter(f"source {shlex.quote(str(init))}")
    for word in ("one", "two"):
        pane.enter(f"echo done-{word}")
    wait_until(lambda: "done-two" in pane.shown().splitlines())
    wait_until(lambda: pane.shown().rstrip().endswith(PROMPT))
    assert [path.read_text() for path in kept] == ["as it was\n"] * 2


@pytest.mark.parametrize("shell", SHELLS)
def test_a_folder_of_another_user_gets_no_files(tmux: PrivateTmux, shell: str) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can make a folder another user's")
    folder = tmux.folder / "commands here"
    folder.mkdir(mode=0o777)
    os.chown(folder, 65534, 65534)
    pane = ShellPane(tmux, shell, reports=False, after=render(shell, str(folder)))
    pane.enter("echo done")
    wait_until(lambda: "done" in pane.shown().splitlines())
    wait_until(lambda: pane.shown().rstrip().endswith(PROMPT))
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("shell", SHELLS)
def test_the_status_and_the_screen_are_as_without_it(tmux: PrivateTmux, shell: str) -> None:
    status = 'echo "[$status]"' if shell == "fish" else 'echo "[$?]"'
    screens = []
    for reports in (True, False):
        pane = ShellPane(tmux, shell, reports=reports)
        for line in ("sh -c 'exit 42'", status, "true", status):
            pane.enter(line)
            wait_until(lambda: pane.shown().rstrip().endswith(PROMPT))  # noqa: B023  # at once
        wait_until(lambda: "[0]" in pane.shown().splitlines())  # noqa: B023  # at once
        screens.append([line.rstrip() for line in pane.shown().splitlines()])
    assert "[42]" in screens[0]
    assert screens[0] == screens[1]


@pytest.mark.parametrize("shell", CLOCKED)
@pytest.mark.parametrize("options", ["set -u", "set -e", "set -C", "set -f"])
def test_it_works_whatever_the_shell_is_set_to(tmux: PrivateTmux, shell: str, options: str) -> None:
    pane = ShellPane(tmux, shell, after=options)
    assert pane.run("echo one").line == "echo one"
    assert pane.run("echo two").line == "echo two"
    assert "unbound" not in pane.shown()
    assert "parameter not set" not in pane.shown()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("PROMPT_COMMAND='(exit 9); mark=1$mark'", ""),
        ("", 'PROMPT_COMMAND="(exit 9); mark=1$mark; $PROMPT_COMMAND"'),
        ("", "PROMPT_COMMAND='(exit 9); mark=1$mark'"),
        ("PROMPT_COMMAND=('mark=1$mark' '(exit 9)')", "PROMPT_COMMAND+=('(exit 9)')"),
        ("", "PS0='>>>'; mark=1"),
        ("PS0='>>>'; mark=1", ""),
        ("trap 'debugged=$BASH_COMMAND; mark=1' DEBUG", ""),
        ("", "shopt -s extdebug; set -T; trap 'mark=1' DEBUG; trap 'mark=1' RETURN ERR"),
        ("", 'PS0=; mark=1; source "${BASH_SOURCE[0]%rc}init"'),
    ],
)  # fmt: skip
def test_bash_hooks_of_others_live_beside_it(tmux: PrivateTmux, before: str, after: str) -> None:
    (tmux.folder / "home").mkdir()
    (tmux.folder / "home" / "init").write_text(render("bash", str(tmux.folder / "commands here")))
    pane = ShellPane(tmux, before=before, after=after)
    assert pane.run("echo one").line == "echo one"
    pane.run("echo two")
    assert pane.run("false").status == 1
    assert pane.run("true").status == 0
    assert [record.line for record in pane.ended()] == ["echo one", "echo two", "false", "true"]
    assert "mark1" in pane.tell("echo mark$mark")


def test_bash_keeps_the_statuses_of_a_pipeline_and_the_last_word(tmux: PrivateTmux) -> None:
    look = 'last=$_ states="${PIPESTATUS[*]}" status=$?'
    pane = ShellPane(tmux, before=f"PROMPT_COMMAND='{look}'")
    assert pane.tell("true word | (exit 3) | true") is not None
    pane.enter("echo a WORD")
    pane.enter("echo $last/$states/$status")
    wait_until(lambda: "WORD/0/0" in pane.shown())
    pane.enter("false | (exit 3) | true")
    pane.enter("echo $states/$status")
    wait_until(lambda: "1 3 0/0" in pane.shown())


def test_zsh_hooks_of_others_live_beside_it(tmux: PrivateTmux) -> None:
    pane = ShellPane(
        tmux, "zsh",
        before="precmd() { seen=$?; }; setopt ksh_arrays sh_word_split no_unset",
        after="preexec() { line=$1; }; precmd_functions+=(later); later() { then=$?; }",
    )  # fmt: skip
    assert pane.run("(exit 5)").status == 5
    assert pane.tell('echo "$seen $then $line"').startswith("5 5 echo")


def test_a_shell_without_shell_init_within_one_that_has_it_is_left_alone(tmux: PrivateTmux) -> None:
    pane = ShellPane(tmux, before="set -a", after="set +a")
    pane.enter("PS1='INNER> ' bash --norc")
    wait_until(lambda: "INNER>" in pane.shown())
    pane.enter("echo $((6 * 7))")
    wait_until(lambda: "42" in pane.shown().splitlines())
    assert "not found" not in pane.shown()
    assert pane.ended() == []
    pane.enter("exit 4")
    wait_until(pane.ended)
    assert [record.status for record in pane.ended()] == [4]


def test_a_shell_within_a_shell_reports_for_itself(tmux: PrivateTmux) -> None:
    pane = ShellPane(tmux)
    pane.enter(f"bash --rcfile {tmux.folder}/home/rc")
    wait_until(lambda: len(pane.records()) == 2)
    assert pane.run("echo inner").line == "echo inner"
    pane.enter("exit")
    wait_until(lambda: len(pane.ended()) == 2)
    outer, inner = (record.shell for record in pane.records()[:2])
    assert outer != inner
    assert [record.shell for record in pane.ended()] == [inner, outer]


@pytest.mark.parametrize("shell", SHELLS)
def test_a_folder_that_cannot_be_written_costs_no_word(tmux: PrivateTmux, shell: str) -> None:
    need(shell)
    (tmux.folder / "commands here").write_text("a file, no folder")
    pane = ShellPane(
        tmux, shell, reports=False, after=render(shell, f"{tmux.folder}/commands here")
    )
    pane.enter("echo works")
    wait_until(lambda: "works" in pane.shown().splitlines())
    # The terminal itself shows what is typed before the shell reads it.
    wait_until(lambda: pane.shown().rstrip().endswith(PROMPT), what="the next prompt")
    pane.enter("echo on")
    wait_until(lambda: "on" in pane.shown().splitlines())
    printed = [line for line in pane.shown().splitlines() if line and PROMPT not in line]
    assert printed == ["works", "on"]


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("tmux_is", ["", "/tmp/x,12,0"])
def test_it_does_nothing_in_scripts_or_outside_tmux(
    tmp_path: Path, shell: str, tmux_is: str
) -> None:
    need(shell)
    init = tmp_path / "init"
    init.write_text(render(shell, str(tmp_path / "folder")))
    look = "functions -n" if shell == "fish" else "declare -f" if shell == "bash" else "functions"
    interactive = ["-i"] if not tmux_is and shell != "fish" else []
    result = subprocess.run(
        [shell, *interactive, "-c", f"source {shlex.quote(str(init))}; true; {look}"],
        capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL, timeout=30,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "TMUX": tmux_is, "TMUX_PANE": "%1"},
        start_new_session=True,
    )  # fmt: skip
    assert "__panewatch" not in result.stdout
    assert not (tmp_path / "folder").exists()


@pytest.mark.parametrize("shell", SHELLS)
def test_without_a_folder_the_shell_finds_the_usual_one(tmux: PrivateTmux, shell: str) -> None:
    before = "set -e XDG_STATE_HOME" if shell == "fish" else "unset XDG_STATE_HOME"
    pane = ShellPane(tmux, shell, reports=False, before=before, after=render(shell, None))
    folder = tmux.folder / "home/.local/state/panewatch/commands"
    wait_until(lambda: folder.exists() and any(path.stat().st_size for path in folder.iterdir()))
    assert pane.journal.name in {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("shell", SHELLS)
def test_a_folder_with_any_name_is_quoted(tmux: PrivateTmux, shell: str) -> None:
    folder = tmux.folder / "a 'b' \\ \"$c\" `d`"
    pane = ShellPane(tmux, shell, reports=False, after=render(shell, str(folder)))
    wait_until((folder / pane.journal.name).exists)


@pytest.mark.parametrize("shell", SHELLS)
def test_the_command_prints_it_with_the_folder_of_the_settings(
    shell: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PANEWATCH_PANES__COMMANDS__DIRECTORY", "/some/where")
    assert main(["shell-init", shell]) == 0
    assert capsys.readouterr().out == render(shell, "/some/where")
    monkeypatch.delenv("PANEWATCH_PANES__COMMANDS__DIRECTORY")
    assert main(["shell-init", shell]) == 0
    assert capsys.readouterr().out == render(shell, None)


def test_another_shell_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["shell-init", "csh"])
    assert "bash" in capsys.readouterr().err


def test_the_lines_are_part_of_the_package() -> None:
    shells = Path(sys.modules[render.__module__].__file__ or "").with_name("shells")
    assert {path.name for path in shells.iterdir()} == {
        "open.sh", *(f"init.{shell}" for shell in SHELLS),
    }  # fmt: skip
