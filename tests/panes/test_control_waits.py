"""Waiting for what a pane shows: prompts, quiet, a shell."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest

from panes.driving import DrivenAgent
from panes.private_tmux import PrivateTmux
from panewatch.panes.control import ControlError, PaneControl
from polling import wait_until

PROMPT = r"^bash-[\d.]+[$#] $"


@pytest.fixture
def shell(tmux: PrivateTmux) -> PaneControl:
    control = PaneControl.attach(tmux.start(history=100), socket=tmux.socket)
    control.wait_for_shell_prompt()
    return control


def fail(control: PaneControl, pattern: str, timeout: float = 0.5) -> ControlError:
    with pytest.raises(ControlError) as caught:
        control.wait_for_prompt(pattern, timeout)
    assert caught.value.reason == "timeout"
    return caught.value


class TestPrompt:
    def test_what_is_there_already_counts_before_keys_are_sent(self, shell: PaneControl) -> None:
        assert shell.wait_for_prompt(PROMPT, timeout=0).startswith("bash-")
        assert shell.wait_for_prompt(r"[$#]$", timeout=0).startswith("bash-")

    def test_an_old_one_does_not(self, shell: PaneControl) -> None:
        shell.send_keys("clear; cat", enter_delay=0)
        shell.wait_for_prompt("^$")
        fail(shell, PROMPT)
        shell.press("C-d")
        shell.wait_for_prompt(PROMPT)
        shell.mark()
        fail(shell, PROMPT)

    def test_one_that_is_back_before_the_wait_begins_does(
        self, shell: PaneControl, tmux: PrivateTmux
    ) -> None:
        for command in ("true", "", "clear", "clear", "printf 'x\\n%.0s' {1..500}"):
            shell.send_keys(command, enter_delay=0.2)
            shell.wait_for_prompt(PROMPT)
        size = int(tmux.ask("#{history_size}", "main"))
        for _ in range(30):  # the history is full: tmux throws parts of it away
            shell.press("Enter")
            shell.wait_for_prompt(PROMPT)
        assert int(tmux.ask("#{history_size}", "main")) < size + 30

    def test_text_above_the_live_rows_does_not_count(self, shell: PaneControl) -> None:
        shell.send_keys("echo Continue?; seq 9", enter_delay=0)
        shell.wait_for_prompt(PROMPT)
        fail(shell, r"^Continue\?$")
        shell.send_keys("clear; echo Continue?; seq 8", enter_delay=0)
        assert shell.wait_for_prompt(r"^Continue\?$") == "Continue?"

    def test_it_comes_back_to_the_same_row(self, tmux: PrivateTmux) -> None:
        agent = DrivenAgent(tmux)
        agent.hold.touch()
        agent.control.send_keys("go", enter_delay=0)
        agent.control.wait_for_prompt("Working…")
        fail(agent.control, "^❯ $")
        agent.hold.unlink()
        assert agent.control.wait_for_prompt("^❯ $") == "❯"
        assert "read 2 characters" in agent.control.capture()[-3]

    def test_what_was_seen_is_told(self, shell: PaneControl) -> None:
        shell.send_keys("clear; printf 'a\\u202eb\\n'; printf %0500d 1; cat", enter_delay=0)
        shell.wait_for_prompt("0001$")
        error = fail(shell, "^never$", 0)
        assert error.seen[0] == "ab"
        assert str(error).startswith("no row matched ^never$ within 0 s; seen: ")
        assert len(str(error)) < 500

    def test_a_bad_expression_is_refused(self, shell: PaneControl) -> None:
        for pattern in ("(", r"(a)\1", "(?=a)"):
            with pytest.raises(ValueError, match=r"\w"):
                shell.wait_for_prompt(pattern)
            with pytest.raises(ValueError, match=r"\w"):
                shell.wait_for_shell_prompt(pattern=pattern)

    def test_it_takes_linear_time(self, shell: PaneControl) -> None:
        shell.send_keys("clear; printf %0800d 0", enter_delay=0)
        shell.wait_for_prompt("0+")
        fail(shell, "^(0*)*x$", 0)

    def test_the_program_ends_meanwhile(self, shell: PaneControl) -> None:
        shell.send_keys("sleep 0.5; exit 3", enter_delay=0)
        with pytest.raises(ControlError) as caught:
            shell.wait_for_prompt("^never$", timeout=60)
        assert caught.value.reason == "dead"


class TestIdle:
    def test_waits_for_the_end_of_output(self, tmux: PrivateTmux) -> None:
        agent = DrivenAgent(tmux)
        agent.hold.touch()
        agent.control.send_keys("go", enter_delay=0)
        with pytest.raises(ControlError, match="never quiet"):
            agent.control.wait_for_idle(quiet=1.5, timeout=2)
        agent.hold.unlink()
        rows = agent.control.wait_for_idle(quiet=0.5)
        assert "● read 2 characters" in rows

    def test_a_cursor_that_moves_is_no_quiet(self, shell: PaneControl) -> None:
        shell.send_keys("while sleep 0.1; do printf ' '; done", enter_delay=0)
        with pytest.raises(ControlError, match=r"never quiet for 1\.5 s within 3 s") as caught:
            shell.wait_for_idle(quiet=1.5, timeout=3)
        assert caught.value.reason == "timeout"

    def test_the_same_line_again_and_again_is_no_quiet(self, shell: PaneControl) -> None:
        shell.send_keys("yes | head -90; while sleep 0.1; do echo y; done", enter_delay=0)
        shell.wait_for_prompt("^y$")
        with pytest.raises(ControlError, match="never quiet"):
            shell.wait_for_idle(quiet=1.5, timeout=3)

    def test_quiet_has_to_fit(self, shell: PaneControl) -> None:
        with pytest.raises(ValueError, match="never pass within 2 s"):
            shell.wait_for_idle(quiet=2, timeout=2)


class TestShellPrompt:
    def test_comes_when_the_command_has_ended(self, shell: PaneControl) -> None:
        shell.send_keys("cat; echo 'so $'", enter_delay=0)
        with pytest.raises(ControlError, match="no shell came to its prompt"):
            shell.wait_for_shell_prompt(timeout=0.3)
        shell.press("C-d")
        assert shell.wait_for_shell_prompt().startswith("bash-")
        assert shell.capture()[-2] == "so $"

    def test_a_command_line_that_ends_like_a_prompt(self, shell: PaneControl) -> None:
        shell.send_keys("cat #")
        with pytest.raises(ControlError):
            shell.wait_for_shell_prompt(timeout=0.3)
        shell.press("C-d")
        shell.wait_for_shell_prompt()

    @pytest.mark.parametrize(
        "command", [f"{shlex.quote(sys.executable)} -q", "cat", "bash SCRIPT"], ids=lambda c: c[-9:]
    )
    def test_other_programs_prompts_are_none(
        self, shell: PaneControl, tmp_path: Path, command: str
    ) -> None:
        script = tmp_path / "ask"
        script.write_text("read -p 'continue> '")
        shell.send_keys(command.replace("SCRIPT", str(script)), enter_delay=0)
        if "SCRIPT" in command or "-q" in command:
            shell.wait_for_prompt("> $")
        with pytest.raises(ControlError):
            shell.wait_for_shell_prompt(timeout=0.5)

    @pytest.mark.parametrize(
        "prompt",
        ["$ ", "# ", "% ", "user@host:~/日本$ ", "❯ ", "➜  src git:(main) ", "(venv) ➜  src ",
         "┌ ~\n└> ", "[1] λ "],
    )  # fmt: skip
    def test_prompts_of_many_kinds(self, shell: PaneControl, prompt: str) -> None:
        shell.send_keys(f"clear; PS1=$'{prompt!s}'".replace("\n", "\\n"), enter_delay=0)
        assert shell.wait_for_shell_prompt() == prompt.rpartition("\n")[2].rstrip()

    def test_half_a_command_is_none(self, shell: PaneControl) -> None:
        shell.send_keys("echo one", enter=False)
        shell.wait_for_prompt("echo one$")
        with pytest.raises(ControlError):
            shell.wait_for_shell_prompt(timeout=0)
        shell.press("C-c")
        shell.wait_for_shell_prompt()

    def test_a_prompt_of_ones_own(self, shell: PaneControl) -> None:
        shell.send_keys("PS1='ready.'", enter_delay=0)
        with pytest.raises(ControlError):
            shell.wait_for_shell_prompt(timeout=0.3)
        assert shell.wait_for_shell_prompt(pattern=r"^ready\.$") == "ready."


def test_a_program_that_leaves_the_alternate_screen(shell: PaneControl) -> None:
    enter, leave = r"printf '\e[?1049h'", r"printf '\e[?1049l'"
    shell.send_keys(f"{enter}; printf '> '; read; {leave}", enter_delay=0)
    shell.wait_for_prompt("^> $")
    fail(shell, PROMPT)
    shell.press("Enter")
    shell.wait_for_shell_prompt()


def test_a_pane_that_is_resized(shell: PaneControl, tmux: PrivateTmux) -> None:
    shell.send_keys("cat", enter_delay=0)
    wait_until(lambda: tmux.ask("#{pane_current_command}", "main") == "cat")
    shell.send_keys("$ ")
    shell.mark()
    tmux.run("resize-window", "-t", "main", "-x", "40", "-y", "12")
    fail(shell, r"^\$")
    shell.send_keys("$ again", enter_delay=0)
    assert shell.wait_for_prompt(r"^\$") == "$ again"
