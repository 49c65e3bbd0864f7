"""Typing into panes and reading them, with a real tmux."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator

import libtmux
import psutil
import pytest

from panes.driving import HOSTILE, DrivenAgent
from panes.private_tmux import PrivateTmux
from panewatch.panes.control import ControlError, PaneControl
from polling import wait_until

KEYS = (
    "Enter Escape Tab BTab Space BSpace Up Down Left Right Home End PageUp PageDown PgUp PgDn"
    " PPage NPage IC DC Insert Delete F1 F12 C-a M-x S-Up C-M-Left"
).split()


@pytest.fixture
def agent(tmux: PrivateTmux) -> DrivenAgent:
    return DrivenAgent(tmux)


@pytest.fixture
def shell(tmux: PrivateTmux) -> PaneControl:
    control = PaneControl.attach(tmux.start(), socket=tmux.socket)
    control.wait_for_shell_prompt()
    return control


class TestTyping:
    def test_every_character_arrives_as_it_is(self, agent: DrivenAgent) -> None:
        for text in HOSTILE:
            agent.control.send_keys(text, enter_delay=0)
        messages = agent.receive(len(HOSTILE))
        assert [message.text for message in messages] == list(HOSTILE)
        assert not any(message.pasted for message in messages)

    def test_enter_waits_as_long_as_it_is_told_to(self, tmux: PrivateTmux) -> None:
        agent = DrivenAgent(tmux, guard=2.0)
        agent.control.send_keys("swallowed", enter_delay=0)
        agent.control.send_keys("sent", enter_delay=2.3)
        assert [message.text for message in agent.receive()] == ["swallowed\nsent"]

    def test_without_enter_nothing_is_sent_off(self, agent: DrivenAgent) -> None:
        agent.control.send_keys("half", enter=False)
        agent.control.wait_for_prompt("^❯ half$")
        agent.control.send_keys("", enter_delay=1000)
        assert agent.receive() == [("half", False)]

    def test_several_lines_are_one_piece(self, agent: DrivenAgent) -> None:
        agent.control.send_keys("one\r\ntwo\n\tthree", enter_delay=0)
        assert agent.receive() == [("one\ntwo\n\tthree", True)]

    def test_a_long_line_is_pasted(self, agent: DrivenAgent) -> None:
        agent.control.send_keys("日" * 20_000, enter_delay=0)
        assert agent.receive() == [("日" * 20_000, True)]

    def test_keys_are_pressed_and_not_spelled(self, shell: PaneControl) -> None:
        shell.send_keys("stty raw -echo; exec cat -v", enter_delay=0)
        shell.wait_for_idle(0.5)
        before = len("".join(shell.capture()))
        for key in KEYS:
            shell.press(key)
        shell.send_keys("!", enter=False)
        shell.wait_for_prompt("!$")
        typed = "".join(shell.capture())[before:]
        assert "^[[A" in typed
        assert not [key for key in KEYS if len(key) > 2 and key in typed]

    def test_keys_that_tmux_reads_otherwise(self, agent: DrivenAgent) -> None:
        agent.control.press(";", "-", "#", '"', ";", "Enter")
        assert agent.receive() == [(';-#";', False)]

    @pytest.mark.parametrize("key", ["", "Entre", "hello", "C-", "X-a", "ab", "-N", "\x1b", "é"])
    def test_what_is_no_key_is_refused(self, agent: DrivenAgent, key: str) -> None:
        with pytest.raises(ValueError, match="not a key"):
            agent.control.press("a", key)
        assert agent.control.capture()[0] == "❯"


class TestPasting:
    def test_100_kb_arrive_as_one_piece_and_leave_no_buffer(
        self, agent: DrivenAgent, tmux: PrivateTmux
    ) -> None:
        text = "".join(f"{number} {HOSTILE[number % len(HOSTILE)]}\n" for number in range(6000))
        assert len(text.encode()) > 100_000
        agent.control.paste(text, enter_delay=0)
        assert agent.receive() == [(text, True)]
        assert tmux.run("list-buffers") == ""

    def test_the_buffers_of_others_stay(self, agent: DrivenAgent, tmux: PrivateTmux) -> None:
        tmux.run("set-buffer", "mine")
        agent.control.paste("x", enter_delay=0)
        assert agent.receive() == [("x", True)]
        assert tmux.run("show-buffer") == "mine"

    @pytest.mark.parametrize(
        "text", ["\x1b[201~rm", "a\rb", "\x03", "\x9b201~", "\x7f", "\x00", "\ud800"], ids=ascii
    )
    def test_what_could_end_it_early_is_refused(self, agent: DrivenAgent, text: str) -> None:
        for call in (agent.control.paste, agent.control.send_keys):
            with pytest.raises(ValueError, match=r"control character|no Unicode"):
                call(f"line\n{text}")
        assert agent.control.capture()[0] == "❯"

    def test_a_prefix_without_standard_input_is_named_and_leaves_no_buffer(
        self, tmux: PrivateTmux
    ) -> None:
        pane = tmux.start()
        deaf = ["sh", "-c", 'exec "$@" </dev/null', "sh"]
        control = PaneControl.attach(pane, socket=tmux.socket, prefix=deaf)
        with pytest.raises(ControlError, match="standard input") as caught:
            control.paste("lost")
        assert caught.value.reason == "unreachable"
        assert tmux.run("list-buffers") == ""


class TestCapture:
    def test_lines_are_whole_and_clean(self, tmux: PrivateTmux) -> None:
        words = "printf 'a\\tb \\033[31mred\\033[0m\\033]0;title\\007 \\342\\200\\256x\\n'"
        long = "printf '%0200d\\n' 7; printf '%s\\n' last; sleep 1000"
        control = PaneControl.attach(tmux.start(f"{words}; {long}"), socket=tmux.socket)
        control.wait_for_prompt("^last$")
        assert control.capture() == ("a       b red x", "7".zfill(200), "last")

    def test_as_many_lines_as_asked_for(self, tmux: PrivateTmux) -> None:
        control = PaneControl.attach(tmux.start("seq 300; sleep 1000"), socket=tmux.socket)
        control.wait_for_prompt("^300$")
        assert len(control.capture()) == 23
        assert control.capture(100) == tuple(map(str, range(201, 301)))
        assert control.capture(1000) == tuple(map(str, range(1, 301)))
        with pytest.raises(ValueError, match="no 0 lines"):
            control.capture(0)

    def test_a_dead_pane_can_be_read(self, tmux: PrivateTmux) -> None:
        pane = tmux.start()
        tmux.run("respawn-pane", "-k", "-t", pane, "echo last words; read _; exit 3")
        control = PaneControl.attach(pane, socket=tmux.socket)
        control.wait_for_prompt("last words")
        control.press("Enter")
        # tmux 3.3a now and then notices an end only when its next process ends.
        wait_until(lambda: tmux.run("run-shell", "true") or tmux.ask("#{pane_dead}", pane) == "1")
        control = PaneControl.attach(pane, socket=tmux.socket)
        assert "last words" in control.capture(lines=100)
        for call in (lambda: control.send_keys("x"), control.mark, control.wait_for_idle):
            with pytest.raises(ControlError, match=r"has ended; seen: .*status 3") as caught:
                call()
            assert caught.value.reason == "dead"


class TestAttaching:
    def test_the_session_is_named_exactly(self, tmux: PrivateTmux) -> None:
        first = tmux.start(session="work")
        active = tmux.run("split-window", "-P", "-F", "#{pane_id}", "-t", "work:")
        other = tmux.open(name="work")
        targets = {"work": active, "work:0": active, "work:0.0": first, "work:0.1": active,
                   "work:1": other, other: other}  # fmt: skip
        for target, pane in targets.items():
            assert PaneControl.attach(target, socket=tmux.socket).pane.pane_id == pane
        for target in ("wor", "wo*:0", "work:7", "work:0.3", "%99", "@0", "{mouse}", "", "0"):
            with pytest.raises(ControlError, match="no pane") as caught:
                PaneControl.attach(target, socket=tmux.socket)
            assert caught.value.reason == "gone", target

    def test_there_is_no_server(self, tmux: PrivateTmux) -> None:
        with pytest.raises(ControlError, match="No such file") as caught:
            PaneControl.attach("%0", socket=tmux.socket)
        assert caught.value.reason == "unreachable"

    def test_there_is_no_tmux(self, tmux: PrivateTmux) -> None:
        with pytest.raises(ControlError, match="no-such-tmux") as caught:
            PaneControl.attach("%0", socket=tmux.socket, binary="no-such-tmux")
        assert caught.value.reason == "unreachable"

    def test_a_pane_of_libtmux_is_taken_over(self, tmux: PrivateTmux) -> None:
        tmux.start()
        (pane,) = libtmux.Server(socket_path=tmux.socket).panes
        control = PaneControl.of(pane)
        control.send_keys("echo one-$((1 + 1))", enter_delay=0)
        assert control.wait_for_prompt("^one-") == "one-2"
        assert PaneControl.of(control.pane).pane.pane_id == pane.pane_id
        control.pane.set_title("by libtmux")
        assert tmux.ask("#{pane_title}", str(pane.pane_id)) == "by libtmux"


class TestRefusal:
    @pytest.mark.parametrize(
        ("block", "why"),
        [
            (("copy-mode",), "copy mode"),
            (("select-pane", "-d"), "input is switched off"),
            (("set-option", "-w", "synchronize-panes", "on"), "other panes"),
        ],
    )
    def test_keys_that_would_go_astray_are_not_sent(
        self, agent: DrivenAgent, tmux: PrivateTmux, block: tuple[str, ...], why: str
    ) -> None:
        name, *options = block
        tmux.run(name, "-t", agent.pane, *options)
        control = agent.control
        for act in (control.send_keys, control.paste, control.press):
            with pytest.raises(ControlError, match=why) as caught:
                act("x")
            assert caught.value.reason == "blocked"
        assert control.capture()[0] == "❯"

    def test_the_pane_is_gone(self, agent: DrivenAgent, tmux: PrivateTmux) -> None:
        tmux.open()
        tmux.run("kill-pane", "-t", agent.pane)
        for call in (agent.control.capture, lambda: agent.control.press("a"),
                     lambda: agent.control.wait_for_prompt("x", timeout=1000)):  # fmt: skip
            with pytest.raises(ControlError, match=agent.pane) as caught:
                call()
            assert caught.value.reason == "gone"

    def test_another_server_has_the_same_pane_id(
        self, agent: DrivenAgent, tmux: PrivateTmux
    ) -> None:
        tmux.run("kill-server")
        wait_until(lambda: not tmux.run("list-panes", "-a", check=False))
        with pytest.raises(ControlError) as caught:
            agent.control.capture()
        assert caught.value.reason == "unreachable"
        assert tmux.start() == agent.pane
        with pytest.raises(ControlError) as caught:
            agent.control.send_keys("rm -rf important")
        assert caught.value.reason == "gone"
        assert "important" not in tmux.run("capture-pane", "-p", "-t", agent.pane)


class TestStoppedServer:
    @pytest.fixture
    def control(self, tmux: PrivateTmux) -> PaneControl:
        return PaneControl.attach(tmux.start(), socket=tmux.socket, call_timeout=1.0)

    @pytest.fixture(autouse=True)
    def stopped(self, tmux: PrivateTmux, control: PaneControl) -> Iterator[PaneControl]:
        server = int(tmux.ask("#{pid}", "main"))
        os.kill(server, signal.SIGSTOP)
        yield control
        os.kill(server, signal.SIGCONT)

    def test_is_waited_for_no_longer_than_one_call(self, control: PaneControl) -> None:
        calls: tuple[Callable[[], object], ...] = (
            control.capture,
            lambda: control.wait_for_idle(1, timeout=1000),
        )
        for call in calls:
            with pytest.raises(ControlError, match="no answer within 1 s") as caught:
                call()
            assert caught.value.reason == "unreachable"
        assert not psutil.Process().children()

    def test_leaves_no_client_behind_where_the_caller_is_interrupted(
        self, control: PaneControl
    ) -> None:
        timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            control.wait_for_idle(1, timeout=1000)
        timer.join()
        assert not psutil.Process().children()
