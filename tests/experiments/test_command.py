"""``panewatch experiments``: what it prints, what it does, and what it leaves alone."""

from __future__ import annotations

import json
import os
import pty
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from experiments.stub import Stub, refuse
from experiments.tables import Tables, write_attributes, write_item
from panewatch.cli import main
from panewatch.experiments.command.look import look
from panewatch.experiments.command.request import _ADVICE
from panewatch.experiments.settings import ExperimentsSettings
from panewatch.experiments.source import FAILURES, ReadCounts, SourceError, Whole
from panewatch.experiments.stores.backup import check_backup
from panewatch.experiments.stores.file_store import FileStore
from polling import wait_until

SECRET = "AKIAIOSFODNN7EXAMPLE arn:aws:dynamodb:eu-west-1:123456789012:table/x"  # noqa: S105 - of nobody


class Ended(NamedTuple):
    """How a command has ended."""

    code: int
    out: str
    error: str


class Shell:
    """Calls ``panewatch experiments`` in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: object) -> Ended:
        self._capsys.readouterr()
        try:
            code = main(["experiments", *map(str, arguments)])
        except SystemExit as end:
            code = int(end.code or 0)
        told = self._capsys.readouterr()
        return Ended(code, told.out, told.err)


@pytest.fixture
def call(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Shell:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return Shell(capsys)


def write_file(path: Path, *items: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(item) + "\n" for item in items))
    return path


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    bitrates = (15.04, 9.5, 3.25, 12.0)
    items = [write_item(number, bitrate) for number, bitrate in enumerate(bitrates)]
    failed = write_item(4, status="failed", error=SECRET, validation_failures=2, experiments=None)
    return write_file(tmp_path / "runs.jsonl", *items, failed, {"id": "no status"})


@pytest.fixture
def config(tables: Tables, tmp_path: Path) -> Path:
    """Settings that name a service, and a table that is not there."""
    path = tmp_path / "panewatch.yml"
    experiments = {"source": "dynamodb://nowhere", "dynamodb": {"endpoint": tables.address}}
    path.write_text(json.dumps({"experiments": experiments}))
    return path


def list_backups(folder: Path) -> list[Path]:
    return sorted((folder / "state/panewatch/backups").glob("*.jsonl.gz"))


def test_list_is_a_table(call: Shell, runs: Path) -> None:
    told = call("list", "--source", runs)
    assert (told.code, told.error) == (0, "")
    lines = told.out.splitlines()
    assert lines[0].split() == [
        "time", "(UTC)", "id", "status", "Mbps", "PSNR", "SSIM", "refused", "error"]  # fmt: skip
    assert lines[3].split() == [
        "*", "2025-10-09", "08:55:20", "e2", "completed", "3.250", "38.50", "0.9700"]  # fmt: skip
    assert lines[5].split()[2:5] == ["e4", "failed", "2"]
    assert lines[6] == "* the best of all: 3.25 Mbps, e2, 2025-10-09 08:55:20"
    assert lines[7:] == ["5 experiments", "1 item left out: 1 missing"]
    assert SECRET not in told.out


def test_list_says_what_it_does_not_show(call: Shell, runs: Path) -> None:
    lines = call("list", "--source", runs, "--newest", 1).out.splitlines()
    assert [line.split()[2] for line in lines[1:2]] == ["e4"]
    assert lines[2].startswith("* the best of all: 3.25 Mbps, e2")
    assert lines[3] == "5 experiments, the oldest 4 of them not listed"
    for wrong in ("0", "-1", "10001", "x"):
        assert call("list", "--source", runs, "--newest", wrong).code == 2


def test_list_of_nothing(call: Shell, tmp_path: Path) -> None:
    told = call("list", "--source", write_file(tmp_path / "runs.jsonl"))
    assert (told.code, told.out) == (0, "no experiment\n")


def test_list_is_json(call: Shell, runs: Path) -> None:
    told = json.loads(call("list", "--source", runs, "--output", "json", "--newest", 2).out)
    assert [each["id"] for each in told["experiments"]] == ["e3", "e4"]
    assert (told["best"]["id"], told["best"]["bitrate"]) == ("e2", 3.25e6)
    assert (told["total"], told["skipped"]) == (5, {"missing": 1})


def test_ids_do_nothing_to_a_terminal(call: Shell, tmp_path: Path) -> None:
    hostile = "\x1b]0;x\x07\r\n\u202e\x9b2J" + "é" * 100
    path = write_file(tmp_path / "runs.jsonl", write_item(0, id=hostile))
    for command in ("list", "verdict", "purge"):
        out = call(command, "--source", path).out
        assert out
        assert not set(out) & set("\x1b\x07\r\u202e\x9b")
        assert max(map(len, out.splitlines())) < 200
    assert "\\x1b]0;x\\x07\\r\\n\\u202e" in call("list", "--source", path).out
    assert call("list", "--source", path, "--output", "json").out.isascii()


def test_verdict_has_its_reason_and_figures(call: Shell, runs: Path) -> None:
    told = call("verdict", "--source", runs)
    assert (told.code, told.error) == (0, "")
    lines = told.out.splitlines()
    assert lines[0].startswith("continue (")
    assert "3.25 Mbps" in lines[1]
    assert ["different", "results", "4", "of", "4"] in [line.split() for line in lines]
    assert any(line.startswith("planned by now: 20 to 40 completed") for line in lines)
    assert lines[-1] == "1 item left out: 1 missing"
    value = json.loads(call("verdict", "--source", runs, "--output", "json").out)
    assert value["verdict"] == "continue"
    assert value["figures"]["best"] == 3.25e6
    assert (value["plan"]["least"], value["plan"]["most"]) == (20, 40)


def test_a_script_can_check(call: Shell, runs: Path, tmp_path: Path) -> None:
    assert call("verdict", "--check", "--source", runs).code == 0
    same = write_file(tmp_path / "same.jsonl", *(write_item(number) for number in range(26)))
    assert call("verdict", "--source", same).code == 0
    told = call("verdict", "--check", "--source", same)
    assert (told.code, told.out.splitlines()[0]) == (1, "restart (identical)")
    assert call("verdict", "--check", "--source", tmp_path / "absent").code == 1


def test_a_source_is_needed(call: Shell) -> None:
    for command in (("list",), ("purge", "--confirm", "x"), ("restore", "x")):
        told = call(*command)
        assert (told.code, told.out) == (2, "")
        assert "experiments.source: is not set: give --source" in told.error
    assert call().code == 2
    assert call("list", "--source", "dynamodb://x").code == 2  # too short for a table
    assert call("list", "--source", "").code == 2


def test_the_source_may_be_relative_or_set(
    call: Shell, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(runs.parent)
    assert "5 experiments" in call("list", "--source", "runs.jsonl").out
    assert "5 experiments" in call("list", "--source", "./state/../runs.jsonl").out
    monkeypatch.setenv("PANEWATCH_EXPERIMENTS__SOURCE", str(runs))
    assert "5 experiments" in call("list").out


def test_flags_may_stand_anywhere(runs: Path, tmp_path: Path, call: Shell) -> None:
    settings = tmp_path / "panewatch.yml"
    settings.write_text(json.dumps({"experiments": {"source": str(runs)}}))
    for words in (
        ("--config.file", settings, "experiments", "list"),
        ("experiments", "--config.file", settings, "list"),
        ("experiments", "list", "--config.file", settings),
    ):
        assert main([str(word) for word in words]) == 0
    assert call("--config.file", settings, "list", "--log.level", "debug").code == 0
    assert call("--config.file", tmp_path / "absent", "list").code == 2


@pytest.mark.parametrize("command", [("list",), ("verdict",), ("backup",), ("purge",)])
def test_a_source_that_fails_is_told(
    call: Shell, config: Path, tmp_path: Path, command: tuple[str, ...]
) -> None:
    told = call(*command, "--config.file", config)
    assert (told.code, told.out) == (1, "")
    assert ": absent: the table or index does not exist. Is that its name" in told.error
    told = call(*command, "--source", tmp_path / "absent")
    assert (told.code, told.out) == (1, "")
    assert ": absent: there is no such file or directory. " in told.error


def test_a_purge_of_what_is_not_there_is_no_empty_one(call: Shell, tmp_path: Path) -> None:
    told = call("purge", "--source", tmp_path / "absent", "--confirm", "absent")
    assert (told.code, told.out) == (1, "")
    assert ": absent: there is no such file or directory. " in told.error
    assert list_backups(tmp_path) == []


def test_what_the_service_says_is_not_repeated(call: Shell, stub: Stub, tmp_path: Path) -> None:
    settings = tmp_path / "panewatch.yml"
    settings.write_text(json.dumps({"experiments": {"dynamodb": {"endpoint": stub.address}}}))
    for command in ("list", "backup"):
        stub.answers.extend([refuse("AccessDeniedException", message=SECRET)] * 3)
        told = call(command, "--config.file", settings, "--source", "dynamodb://table")
        stub.answers.clear()
        assert told.code == 1
        assert told.error.startswith("dynamodb://table: access: no permission for this request. ")
        for word in (*SECRET.split(), "AKIACANARYKEY0000001", "canary-secret", "Traceback"):
            assert word not in told.error + told.out


def test_every_failure_has_an_advice() -> None:
    assert set(_ADVICE) == set(FAILURES)


def test_backup_and_where_it_goes(call: Shell, runs: Path, tmp_path: Path) -> None:
    told = call("backup", "--source", runs)
    (path,) = list_backups(tmp_path)
    assert (told.code, told.out) == (0, f"{path} holds 6 items of {runs}\n")
    assert path.name.startswith("runs.jsonl-20")
    assert check_backup(path).count == 6
    named = tmp_path / "named"
    assert call("backup", "--source", runs, named).code == 0
    told = call("backup", "--source", runs, named)
    assert (told.code, told.out) == (1, "")
    assert "none is written over" in told.error
    assert call("backup", "--source", runs, tmp_path / "absent/x").code == 1


def test_purge_is_dry(call: Shell, runs: Path, tmp_path: Path) -> None:
    before = runs.read_bytes()
    told = call("purge", "--source", runs)
    assert told.code == 0
    assert "4 completed, 1 failed" in told.out
    assert "1 item left out: 1 missing (they are deleted, too)" in told.out
    assert "verdict: continue (" in told.out
    command = told.out.splitlines()[-1]
    assert runs.read_bytes() == before
    assert list_backups(tmp_path) == []

    told = call(*shlex.split(command)[2:])
    assert told.code == 0
    assert told.out.splitlines()[-1] == f"{runs} is empty"
    assert runs.read_bytes() == b""
    (path,) = list_backups(tmp_path)
    # The newest backup stays the one that holds something.
    told = call(*shlex.split(command)[2:])
    assert (told.code, told.out) == (0, f"{runs} is empty already\n")
    assert list_backups(tmp_path) == [path]

    told = call("restore", "--source", runs, path)
    assert told.code == 0
    assert runs.read_bytes() == b""
    assert call(*shlex.split(told.out.splitlines()[-1])[2:]).code == 0
    assert runs.read_bytes() == before


def test_only_the_right_name_confirms(call: Shell, runs: Path, tmp_path: Path) -> None:
    before = runs.read_bytes()
    assert call("backup", "--source", runs, tmp_path / "backup").code == 0
    for name in ("", "runs", "RUNS.jsonl", runs):
        told = call("purge", "--source", runs, "--confirm", name)
        assert (told.code, told.out) == (2, "")
        assert "--confirm: is not the name of" in told.error
    told = call("restore", tmp_path / "backup", "--merge", "--source", runs, "--confirm", "run")
    assert (told.code, told.out) == (2, "")
    assert runs.read_bytes() == before
    assert list_backups(tmp_path) == []
    assert call("purge", "--source", "/", "--confirm", "").code == 2


def test_a_table_from_end_to_end(call: Shell, config: Path, tables: Tables, tmp_path: Path) -> None:
    table = tables.make()
    tables.put(table, *(write_attributes(number) for number in range(26)))
    aim = ("--config.file", config, "--source", f"dynamodb://{table}")
    told = call("purge", *aim)
    assert "verdict: restart (identical)" in told.out
    words = shlex.split(told.out.splitlines()[-1])
    assert words[2:] == ["purge", *map(str, aim), "--confirm", table]
    told = call(*words[2:])
    assert (told.code, told.error) == (0, "")
    assert told.out.splitlines()[1:] == [
        "26 of 26 items removed", f"dynamodb://{table} is empty"]  # fmt: skip
    (path,) = list_backups(tmp_path)
    assert call("list", *aim).out == "no experiment\n"

    tables.put(table, write_attributes(1, bitrate=2.0))
    told = call("restore", path, *aim, "--confirm", table)
    assert (told.code, told.out) == (1, "")
    assert "is not empty, and nothing was written" in told.error
    dry = call("restore", path, *aim)
    assert "is not empty" in dry.out
    told = call(*shlex.split(dry.out.splitlines()[-1])[2:])
    assert told.code == 0
    assert told.out.splitlines() == [
        f"25 of 26 items written to dynamodb://{table} and read back",
        "left as they are, as they were there already: 1",
    ]
    resumed = call("purge", "--resume", path, *aim)
    assert "26 items" in resumed.out
    told = call(*shlex.split(resumed.out.splitlines()[-1])[2:])
    assert told.code == 1
    assert "25 of 26 items removed" in told.out
    assert "1 item came or changed since the backup, 1 of them of the backup" in told.out
    assert tables.client.scan(TableName=table)["Count"] == 1


def test_a_damaged_backup_changes_nothing(call: Shell, runs: Path, tmp_path: Path) -> None:
    before = runs.read_bytes()
    path = tmp_path / "backup"
    assert call("backup", "--source", runs, path).code == 0
    path.write_bytes(path.read_bytes()[:-9])
    for command in (("purge", "--resume"), ("restore", "--merge")):
        for confirm in ((), ("--confirm", "runs.jsonl")):
            told = call(*command, path, "--source", runs, *confirm)
            assert told.code == 1
            assert "is no whole backup" in told.error
    assert runs.read_bytes() == before


DYING = """
import os, signal, sys
from panewatch.cli import main
from panewatch.experiments.dynamodb.requests import TableRequests

delete, calls = TableRequests.delete, []

def die(self, keys):
    delete(self, keys)
    calls.append(1)
    if len(calls) == 2:
        os.kill(os.getpid(), signal.{signal})

TableRequests.delete = die
sys.exit(main(sys.argv[1:]))
"""


def run_dying(how: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Purge in a process of its own, that a signal ends after two batches."""
    words = ("experiments", "purge", *map(str, arguments))
    return subprocess.run(
        (sys.executable, "-c", DYING.replace("{signal}", how), *words), capture_output=True,
        text=True, timeout=60, check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip


def test_a_killed_purge_goes_on(call: Shell, config: Path, tables: Tables, tmp_path: Path) -> None:
    table = tables.make()
    tables.put(table, *(write_attributes(number) for number in range(80)))
    aim = ("--config.file", config, "--source", f"dynamodb://{table}", "--confirm", table)
    ended = run_dying("SIGKILL", *aim)
    assert ended.returncode == -signal.SIGKILL
    left = {item["id"]["S"] for item in tables.client.scan(TableName=table)["Items"]}
    assert len(left) == 30
    (path,) = list_backups(tmp_path)
    gone = next(number for number in range(80) if f"e{number}" not in left)
    tables.put(table, write_attributes(gone, bitrate=2.0))  # the next search has the same keys
    told = call("purge", "--resume", path, *aim)
    assert told.code == 1
    assert "30 of 80 items removed, 49 were gone already" in told.out
    assert "1 item came or changed since the backup" in told.out
    told = call("restore", path, *aim, "--merge")
    assert (told.code, tables.client.scan(TableName=table)["Count"]) == (0, 80)


def test_an_interrupted_purge_says_how_to_go_on(
    call: Shell, config: Path, tables: Tables, tmp_path: Path
) -> None:
    table = tables.make()
    tables.put(table, *(write_attributes(number) for number in range(80)))
    aim = ("--config.file", config, "--source", f"dynamodb://{table}", "--confirm", table)
    ended = run_dying("SIGINT", *aim)
    assert ended.returncode == 130
    assert "Traceback" not in ended.stderr
    told = ended.stderr.splitlines()[-1]
    assert told.startswith("interrupted: to go on: panewatch experiments purge ")
    (path,) = list_backups(tmp_path)
    assert str(path) in told
    told = call(*shlex.split(told.partition("panewatch experiments ")[2])).out
    assert told.splitlines()[-1] == f"dynamodb://{table} is empty"


def test_an_interrupted_backup_deletes_nothing(
    call: Shell, runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_store: FileStore) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(FileStore, "read", interrupt)
    told = call("purge", "--source", runs, "--confirm", "runs.jsonl")
    assert (told.code, told.error) == (130, "interrupted: nothing was deleted\n")
    assert list_backups(tmp_path) == []


def test_progress_is_for_terminals(runs: Path, tmp_path: Path) -> None:
    master, slave = pty.openpty()
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(
        (sys.executable, "-m", "panewatch", "experiments", "backup", "--source", str(runs),
         str(tmp_path / "backup")),
        stderr=slave, stdout=subprocess.PIPE, env=environment,
    )  # fmt: skip
    os.close(slave)
    shown = b""

    def read() -> bool:
        nonlocal shown
        try:
            data = os.read(master, 4096)
        except OSError:  # nobody has the other end any more
            return True
        shown += data
        return not data

    wait_until(read, 30)
    os.close(master)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert shown.startswith(b"\r\x1b[Kitems backed up: 1")
    assert shown.endswith(b"\r\x1b[K")
    assert b"\x1b" not in out


class Slow:
    """A source that is read in parts, and that fails as it is told."""

    def __init__(self, *turns: str) -> None:
        self.counts = ReadCounts()
        self.closed = False
        self._turns = list(turns)

    def read(self, seconds: float) -> Whole | None:
        assert seconds > 0
        turn = self._turns.pop(0)
        if turn == "part":
            self.counts.items += 5
        if turn in FAILURES:
            raise SourceError(turn, "as told")
        return Whole(()) if turn == "whole" else None

    def close(self) -> None:
        self.closed = True


def test_a_look_waits_for_the_whole() -> None:
    settings = ExperimentsSettings(source="/runs.jsonl")
    source = Slow("part", "throttled", "server", "part", "waiting", "timeout", "whole")
    counts: list[int] = []
    pauses: list[float] = []
    with look(settings, counts.append, open_it=lambda _: source, sleep=pauses.append) as whole:
        closed_early = source.closed
        assert list(whole.experiments) == []
    assert (closed_early, source.closed) == (False, True)
    assert counts == [5, 10, 10]
    assert len(pauses) == 4


@pytest.mark.parametrize(("reason", "asked"), [("throttled", 5), ("access", 1), ("absent", 1)])
def test_a_look_gives_up(reason: str, asked: int) -> None:
    source = Slow(*[reason] * 9)
    pauses: list[float] = []
    looking = look(
        ExperimentsSettings(source="/x"), print, open_it=lambda _: source, sleep=pauses.append
    )
    with pytest.raises(SourceError), looking:
        pass
    assert source.closed
    assert len(pauses) == asked - 1
