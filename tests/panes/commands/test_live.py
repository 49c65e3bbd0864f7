"""Commands of real shells in real panes, from the process tree and from reports."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pytest

from panes.commands.shells import ShellPane
from panes.private_tmux import PrivateTmux
from panes.watching import EAGER, Watch
from panewatch.config import CommandsSettings, Config, PanesSettings
from panewatch.panes.commands.watch import CommandWatch, Shell
from panewatch.panes.model import EndedCommand, PaneKey
from polling import wait_until


def follow(pane: ShellPane, **commands: object) -> Watch:
    """Watch a pane, by the reports of its shell too."""
    told = CommandsSettings.model_validate({"directory": str(pane.folder), **commands})
    watch = Watch(pane.tmux, EAGER.model_copy(update={"commands": told}))
    watch.look()
    watch.look()
    return watch


def list_ended(watch: Watch, pane: ShellPane) -> list[EndedCommand]:
    updates = [update for update in watch.witness.updates if update.key.pane_id == pane.pane]
    return [command for update in updates for command in update.ended]


def wait_for_end(watch: Watch, pane: ShellPane, count: int = 1) -> Sequence[EndedCommand]:
    wait_until(lambda: watch.look() or len(list_ended(watch, pane)) >= count, what="an end")
    return list_ended(watch, pane)


def run_seen(watch: Watch, pane: ShellPane, line: str) -> None:
    """Run a line until its program is seen in the terminal's foreground."""
    pane.enter(line)
    wait_until(lambda: pane.tmux.ask("#{pane_current_command}", pane.pane) in {"sleep", "cat"})
    wait_until(lambda: watch.look() or watch.view(pane.pane).command_started is not None)


def let_end(pane: ShellPane, key: str = "C-c") -> None:
    pane.tmux.run("send-keys", "-t", pane.pane, key)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_without_any_set_up_commands_are_seen(tmux: PrivateTmux, shell: str) -> None:
    pane = ShellPane(tmux, shell, reports=False)
    watch = follow(pane)
    assert watch.view(pane.pane).commands == 0
    before = time.time()
    run_seen(watch, pane, "sleep 600 | cat")
    started = watch.view(pane.pane).command_started
    assert started is not None
    assert before - 0.02 <= started <= time.time()
    let_end(pane)
    (ended,) = wait_for_end(watch, pane)
    assert (ended.name, ended.line, ended.exact) == ("sleep", "sleep 600", False)
    assert ended.status is None
    assert ended.started == pytest.approx(started, abs=0.05)
    view = watch.view(pane.pane)
    assert (view.commands, view.commands_failed, view.command_repeats) == (1, None, 1)
    assert view.command_started is None


def test_the_start_is_exact_however_late_it_is_seen(tmux: PrivateTmux) -> None:
    pane = ShellPane(tmux, reports=False)
    before = time.time()
    pane.enter("sleep 600")
    wait_until(lambda: tmux.ask("#{pane_current_command}", pane.pane) == "sleep")
    after = time.time()
    wait_until(lambda: time.time() > after + 0.5)
    watch = follow(pane)
    watch.look()
    started = watch.view(pane.pane).command_started
    assert started is not None
    assert before - 0.02 <= started <= after


def test_a_command_that_was_stopped_and_goes_on_is_one(tmux: PrivateTmux) -> None:
    pane = ShellPane(tmux, reports=False)
    watch = follow(pane)
    run_seen(watch, pane, "sleep 600")
    started = watch.view(pane.pane).command_started
    let_end(pane, "C-z")
    wait_until(lambda: watch.look() or watch.view(pane.pane).command_started is None)
    assert list_ended(watch, pane) == []
    run_seen(watch, pane, "fg")
    assert watch.view(pane.pane).command_started == pytest.approx(started, abs=0.05)
    let_end(pane)
    assert [command.name for command in wait_for_end(watch, pane)] == ["sleep"]


def test_shells_and_what_a_script_starts_are_no_commands_of_their_own(tmux: PrivateTmux) -> None:
    pane = ShellPane(tmux, reports=False)
    watch = follow(pane)
    pane.enter("PS1='INNER> ' bash --norc")
    wait_until(lambda: "INNER>" in pane.shown())
    watch.look()
    assert watch.view(pane.pane).command_started is None
    run_seen(watch, pane, "sleep 600")
    let_end(pane)
    assert [command.name for command in wait_for_end(watch, pane)] == ["sleep"]
    # A script with job control lends the terminal too.
    pane.enter("bash -c 'set -m; sleep 600; true'")
    wait_until(lambda: tmux.ask("#{pane_current_command}", pane.pane) == "sleep")
    watch.look()
    let_end(pane)
    wait_until(lambda: tmux.ask("#{pane_current_command}", pane.pane) == "bash")
    pane.enter("echo do''ne")
    wait_until(lambda: watch.look() or "done" in watch.witness.texts(pane.pane))
    assert not [c for c in list_ended(watch, pane) if c.name == "sleep"][1:]


def test_a_pane_without_a_shell_runs_no_commands(tmux: PrivateTmux) -> None:
    pane_id = tmux.start("exec sleep 600")
    watch = Watch(tmux)
    watch.look()
    watch.look()
    view = watch.view(pane_id)
    assert (view.commands, view.command_started, view.command_repeats) == (0, None, None)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_with_shell_init_every_command_is_known_exactly(tmux: PrivateTmux, shell: str) -> None:
    pane = ShellPane(tmux, shell)
    watch = follow(pane)
    watch.look()
    assert watch.view(pane.pane).commands_failed == 0
    for line in ("true", "sh -c 'exit 3'", "sh -c 'exit 3'"):
        pane.run(line)
    run_seen(watch, pane, "sleep 600")
    let_end(pane)
    ended = wait_for_end(watch, pane, 4)
    assert [(command.line, command.status) for command in ended] == [
        ("true", 0), ("sh -c 'exit 3'", 3), ("sh -c 'exit 3'", 3), ("sleep 600", 130),
    ]  # fmt: skip
    assert all(command.exact for command in ended)
    watch.look()
    view = watch.view(pane.pane)
    # Who ends a command with Ctrl-C has seen no failure.
    assert (view.commands, view.commands_failed, view.command_started) == (4, 2, None)
    pane.run("sleep 0.3")
    pane.run("sleep 0.3")
    wait_for_end(watch, pane, 6)
    assert watch.view(pane.pane).command_repeats == 2


def test_the_look_that_tells_of_an_end_has_read_what_was_printed(tmux: PrivateTmux) -> None:
    pane = ShellPane(tmux)
    watch = follow(pane)
    count = 40
    for number in range(count):
        pane.enter(f"echo out-$(({number} + 1000)); (exit {number})")
        watch.look()
    wait_for_end(watch, pane, count)
    printed: set[str] = set()
    for update in watch.witness.updates:
        printed |= {line.text for line in update.lines}
        for command in update.ended:
            assert f"out-{1000 + (command.status or 0)}" in printed
    assert [command.status for command in list_ended(watch, pane)] == list(range(count))


def test_an_end_is_told_promptly_though_nothing_was_printed(tmux: PrivateTmux) -> None:
    """The pane is quiet, listed seldom and read more seldom; its thread runs."""
    pane = ShellPane(tmux)
    pane.enter("read -r -s -t 2; sleep 0.4; false")
    told = CommandsSettings(directory=str(pane.folder))
    settings = PanesSettings(list_interval=0.5, commands=told)
    watch = Watch(tmux, settings)
    watch.sweeper.start()
    try:
        wait_until(lambda: list_ended(watch, pane), timeout=20)
    finally:
        watch.sweeper.stop(5)
    (update,) = [update for update in watch.witness.updates if update.ended]
    (command,) = update.ended
    known = time.time() - (time.monotonic() - update.monotonic)
    assert command.status == 1
    assert known >= command.started + command.seconds
    # A quiet pane's own turn would come after 2, 4, 8 seconds and so on.
    assert known - (command.started + command.seconds) < 1.5


def test_shells_that_report_and_that_do_not_are_told_apart_in_one_pane(tmux: PrivateTmux) -> None:
    pane = ShellPane(tmux)
    watch = follow(pane)
    pane.enter("PS1='INNER> ' bash --norc")
    wait_until(lambda: "INNER>" in pane.shown())
    run_seen(watch, pane, "sleep 600")
    let_end(pane)
    assert [command.exact for command in wait_for_end(watch, pane)] == [False]
    pane.enter("exit 3")
    ended = wait_for_end(watch, pane, 2)
    assert (ended[1].exact, ended[1].name, ended[1].status) == (True, "bash", 3)
    pane.run("sleep 0.2")
    assert [command.exact for command in wait_for_end(watch, pane, 3)] == [False, True, True]
    watch.look()
    assert watch.view(pane.pane).commands == 3


def test_a_shell_that_was_replaced_is_sampled_again(tmux: PrivateTmux) -> None:
    pane = ShellPane(tmux)
    watch = follow(pane)
    watch.look()
    pane.enter("PS1='INNER> ' exec bash --norc")
    wait_until(lambda: "INNER>" in pane.shown())
    watch.look()
    assert watch.view(pane.pane).command_started is None
    run_seen(watch, pane, "sleep 600")
    let_end(pane)
    assert [command.exact for command in wait_for_end(watch, pane)] == [False]


def test_commands_of_a_pane_that_was_there_before_are_not_counted_again(tmux: PrivateTmux) -> None:
    pane = ShellPane(tmux)
    pane.run("true")
    told = CommandsSettings(directory=str(pane.folder))
    watch = Watch(
        tmux, EAGER.model_copy(update={"commands": told}), began=time.time() + 60
    )  # fmt: skip
    watch.look()
    watch.look()
    pane.run("false")
    assert [command.line for command in wait_for_end(watch, pane)] == ["false"]
    assert watch.view(pane.pane).commands_failed == 1


def test_counts_stay_with_the_place_and_durations_with_the_server(tmux: PrivateTmux) -> None:
    pane = ShellPane(tmux)
    watch = follow(pane, names=["sleep"])
    pane.run("sleep 0.2")
    pane.run("true")
    wait_for_end(watch, pane, 2)
    watch.look()
    assert watch.sweeper.published is not None
    (family,) = [
        each
        for each in watch.sweeper.published.families
        if each.name == "panewatch_command_duration_seconds"
    ]
    samples = {
        (s.name.rpartition("_")[2], s.labels["command"], s.labels.get("le")): s.value
        for s in family.samples
    }
    assert samples["count", "sleep", None] == samples["count", "other", None] == 1
    assert samples["bucket", "sleep", "0.1"] == 0
    assert samples["bucket", "sleep", "0.5"] == samples["bucket", "sleep", "+Inf"] == 1
    assert 0.2 <= samples["sum", "sleep", None] < 0.5
    other = tmux.open("exec sleep 600")
    tmux.run("swap-pane", "-d", "-s", pane.pane, "-t", other)
    watch.look()
    watch.look()
    assert watch.view(other).commands == 2
    assert watch.view(pane.pane).commands == 0


def test_it_can_be_switched_off_and_on(tmux: PrivateTmux) -> None:
    pane = ShellPane(tmux)
    watch = follow(pane)
    watch.look()
    assert watch.view(pane.pane).commands == 0
    settings = EAGER.model_copy(update={"commands": CommandsSettings(enabled=False)})
    reach = watch.sweeper._tmux
    watch.sweeper.reconfigure("test", reach, Config(panes=settings))
    watch.sweeper.adopt()
    pane.run("false")
    watch.look()
    view = watch.view(pane.pane)
    assert (view.commands, view.commands_failed, view.command_repeats) == (None, None, None)
    assert list_ended(watch, pane) == []
    told = CommandsSettings(directory=str(pane.folder))
    watch.sweeper.reconfigure(
        "test", reach, Config(panes=EAGER.model_copy(update={"commands": told}))
    )
    watch.sweeper.adopt()
    watch.look()
    watch.look()
    assert watch.view(pane.pane).commands == 0
    pane.run("true")
    assert [command.line for command in wait_for_end(watch, pane)] == ["true"]


def test_no_command_line_leaves_the_process(tmux: PrivateTmux) -> None:
    pane = ShellPane(tmux)
    watch = follow(pane)
    pane.run("s3cret-program --token=s3cret")
    wait_for_end(watch, pane)
    watch.look()
    assert watch.sweeper.published is not None
    published = watch.sweeper.published
    view = watch.view(pane.pane)
    assert "s3cret" not in repr([family.samples for family in published.families])
    assert "s3cret" not in repr(view)


def test_one_fault_does_not_stop_the_reading_of_panes(
    tmux: PrivateTmux, monkeypatch: pytest.MonkeyPatch
) -> None:
    pane = ShellPane(tmux)
    watch = follow(pane)

    def fail(*_: object, **__: object) -> None:
        raise ValueError

    monkeypatch.setattr(CommandWatch, "look", fail)
    pane.enter("echo still re''ad")
    wait_until(lambda: watch.look() or "still read" in watch.witness.texts(pane.pane))


def test_panes_that_are_gone_are_forgotten() -> None:
    watch = CommandWatch(PanesSettings())
    keys = [PaneKey(1, 1, f"%{number}") for number in range(3)]
    watch.follow({key: Shell(1 << 22, fresh=True) for key in keys})
    assert watch.look(listed=True).keys() == set(keys)
    assert watch.look(listed=True) == {}
    watch.follow({keys[0]: Shell(1 << 22, fresh=True)})
    assert watch._panes.keys() == watch._pids.keys() == watch._known.keys() == {keys[0]}
    watch.follow({})
    assert not watch.is_due(1e12)
    assert watch.collect("name") == ()


def test_looks_become_rarer_when_they_cost_much(monkeypatch: pytest.MonkeyPatch) -> None:
    watch = CommandWatch(PanesSettings())
    watch.follow({PaneKey(1, 1, "%0"): Shell(1 << 22, fresh=True)})
    ticks = iter([7.0, 7.02])
    monkeypatch.setattr(time, "thread_time", lambda: next(ticks))
    monkeypatch.setattr(time, "monotonic", lambda: 100.0)
    watch.look(listed=False)
    assert not watch.is_due(109.9)
    assert watch.is_due(110.1)
