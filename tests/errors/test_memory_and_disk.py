"""What panewatch remembers where its disk hangs, or its file is another's or of no use."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from errors.looks import Looks
from errors.test_memory import RULES, SMALL, open_memory
from panewatch.config import Config, ErrorsSettings
from panewatch.errors import memory as module
from panewatch.errors.memory import Memory
from panewatch.errors.rulebook import Rulebook
from panewatch.errors.state_file import StateFile
from panewatch.service import scrape
from polling import wait_until


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "incidents.json"


@pytest.fixture
def hang(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], threading.Event]]:
    """Let a disk hang in a method of the file until the event that is returned is set."""
    released: list[threading.Event] = []

    def let(name: str) -> threading.Event:
        work, event = getattr(StateFile, name), threading.Event()
        released.append(event)

        def wait(*arguments: object) -> object:
            assert event.wait(30)
            return work(*arguments)

        monkeypatch.setattr(StateFile, name, wait)
        return event

    yield let
    for event in released:
        event.set()


def fail(path: Path, *lines: str, server: str = "default") -> None:
    """Let an exporter run in which something fails, and end."""
    memory = open_memory(path)
    Looks(SMALL, memory=memory, server=server).look(*lines)
    memory.stop()


def told(memory: Memory) -> dict[str, float]:
    return {s.labels["reason"]: s.value for s in memory.collect().samples if s.value}


def open_rules(looks: Looks) -> list[str]:
    return sorted(
        sample.labels["rule"]
        for family in looks.observer.collect()
        for sample in family.samples
        if sample.name == "panewatch_incident_open"
    )


def test_servers_of_one_process_id_and_start_are_kept_apart(path: Path) -> None:
    fail(path, "disk full", server="a")
    memory = open_memory(path)
    one, other = (Looks(SMALL, memory=memory, server=name) for name in "ab")
    other.look("no module one")
    assert open_rules(other) == ["module"]
    other.forget()
    one.look()
    assert open_rules(one) == ["disk"]
    memory.stop()
    memory = open_memory(path)
    one = Looks(SMALL, memory=memory, server="a")
    one.look()
    memory.stop()
    assert open_rules(one) == ["disk"]


def test_a_server_that_is_renamed_takes_along_what_is_open(path: Path) -> None:
    memory = open_memory(path)
    looks = Looks(SMALL, memory=memory, server="a")
    looks.look("disk full")
    looks.server = "b"
    looks.look()
    memory.stop()
    memory = open_memory(path)
    left = {name: Looks(SMALL, memory=memory, server=name) for name in "ab"}
    for looks in left.values():
        looks.look()
    memory.stop()
    assert {name: open_rules(looks) for name, looks in left.items()} == {"a": [], "b": ["disk"]}


def test_a_file_of_the_first_version_is_a_fresh_start_and_no_fault(path: Path) -> None:
    path.write_text('{"version":1,"panes":[]}')
    memory = open_memory(path)
    Looks(SMALL, memory=memory).look("disk full")
    memory.stop()
    assert told(memory) == {}
    assert path.read_text().startswith('{"version":2')


def test_a_file_that_was_busy_is_read_before_it_is_written(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_RETRY_SECONDS", 0.05)
    fail(path, "disk full")
    other = StateFile(path)
    assert other.read() is not None
    memory = open_memory(path)
    looks = Looks(SMALL, memory=memory)
    looks.look("no module one")
    wait_until(lambda: told(memory).get("busy", 0) > 1, what="it is tried again")
    before = path.read_bytes()
    assert b'"module"' not in before
    other.close()
    wait_until(lambda: memory.known, what="it is read")
    looks.look()
    memory.stop()
    assert open_rules(looks) == ["disk", "module"]
    assert b'"disk"' in path.read_bytes()
    assert b'"module"' in path.read_bytes()


def test_a_pane_that_ended_before_the_file_was_read_gets_nothing_back(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_RETRY_SECONDS", 0.05)
    fail(path, "disk full")
    other = StateFile(path)
    other.read()
    memory = open_memory(path)
    looks = Looks(SMALL, memory=memory)
    looks.look()
    looks.look(restarted=True)
    other.close()
    wait_until(lambda: memory.known, what="it is read")
    looks.look()
    memory.stop()
    assert open_rules(looks) == []


def test_one_scrape_leaves_the_file_alone(path: Path) -> None:
    config = Config.model_validate(
        {
            "errors": {"state_file": str(path)},
            "tmux": {"sockets": [str(path.parent / "none")]},
            "collectors": {
                name: {"enabled": name in {"panes", "errors"}}
                for name in type(Config().collectors).model_fields
            },
        }
    )
    exposition, _ = scrape(config)
    assert b"panewatch_rules" in exposition
    assert list(path.parent.iterdir()) == []


def test_a_disk_that_hangs_at_the_start_holds_up_nobody(
    path: Path, hang: Callable[[str], threading.Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_READ_SECONDS", 0.05)
    fail(path, "disk full")
    released = hang("read")
    memory = Memory()
    done: list[str] = []

    def use() -> None:
        memory.open(ErrorsSettings(state_file=str(path)))
        memory.start()
        looks.look("no module one")
        assert told(memory) == {}
        done.append("used")

    looks = Looks(SMALL, memory=memory)
    threading.Thread(target=use, daemon=True).start()
    wait_until(lambda: done, what="it goes on")
    assert open_rules(looks) == ["module"]
    released.set()
    wait_until(lambda: memory.known, what="the disk is back")
    looks.look()
    memory.stop()
    assert open_rules(looks) == ["disk", "module"]


def test_a_writer_that_hangs_shares_nothing_with_the_next(
    path: Path, hang: Callable[[str], threading.Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_END_SECONDS", 0.05)
    monkeypatch.setattr(module, "_RETRY_SECONDS", 0.05)
    written: list[int] = []
    released = hang("write")
    hanging = StateFile.write

    def write(file: StateFile, content: bytes) -> None:
        written.append(id(file))
        hanging(file, content)

    monkeypatch.setattr(StateFile, "write", write)
    memory = open_memory(path)
    looks = Looks(SMALL, memory=memory)
    looks.look("disk full")
    wait_until(lambda: written, what="it writes")
    memory.stop()
    memory.start()
    looks.look("no module one")
    wait_until(lambda: told(memory).get("busy"), what="the next one waits")
    assert len(written) == 1
    released.set()
    wait_until(lambda: len(set(written)) > 1, what="the next one writes")
    memory.stop()
    assert b'"module"' in path.read_bytes()


@pytest.mark.parametrize(
    ("content", "reason"), [(b'{"version":3,"new":1}', "newer"), (b"\0" * 9, "corrupt")]
)
def test_what_is_none_of_ours_is_moved_aside(path: Path, content: bytes, reason: str) -> None:
    path.write_bytes(content)
    fail(path, "disk full")
    bad = path.with_name("incidents.json.bad")
    assert bad.read_bytes() == content
    memory = open_memory(path)
    looks = Looks(SMALL, memory=memory)
    looks.look()
    memory.stop()
    assert open_rules(looks) == ["disk"]
    assert bad.read_bytes() == content, reason


def test_what_cannot_be_moved_aside_is_not_written_over(path: Path) -> None:
    path.write_bytes(b"theirs")
    path.chmod(0o666)
    path.with_name("incidents.json.bad").mkdir()
    memory = open_memory(path)
    Looks(SMALL, memory=memory).look("disk full")
    memory.stop()
    assert path.read_bytes() == b"theirs"
    assert told(memory) == {"foreign": 1.0}


def read(path: Path) -> bytes:
    """What is in a file; nothing where there is none at the moment."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def test_a_file_that_it_goes_over_to_is_not_written_over_either(path: Path) -> None:
    memory = open_memory(path)
    Looks(SMALL, memory=memory).look("disk full")
    other = path.with_name("other.json")
    other.write_bytes(b'{"version":3,"new":1}')
    memory.open(ErrorsSettings(state_file=str(other)))
    # For a moment it is not there: what was there is moved aside before ours is moved to it.
    wait_until(lambda: b'"disk"' in read(other), what="it is kept there")
    memory.stop()
    assert path.with_name("other.json.bad").read_bytes() == b'{"version":3,"new":1}'


def test_an_incident_of_a_rule_that_is_gone_does_not_come_back_with_it(path: Path) -> None:
    fail(path, "disk full")
    memory = open_memory(path)
    Looks(Rulebook(RULES[1:]), memory=memory).look()
    memory.stop()
    memory = open_memory(path)
    looks = Looks(SMALL, memory=memory)
    looks.look()
    memory.stop()
    assert open_rules(looks) == []
