"""The collector of profiles: real files, and whoever can write them may have meant harm."""

from __future__ import annotations

import gzip
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from panewatch.collector import SourceUnavailable
from panewatch.config import Config
from panewatch.exposition import render
from panewatch.training.profiles import collector as module
from panewatch.training.profiles import contract as c
from panewatch.training.profiles import reader, shelf
from panewatch.training.profiles.collector import ProfilesCollector
from panewatch.training.profiles.diagnose import diagnose
from panewatch.training.traces.profile import FINDINGS
from polling import wait_until
from training.traced import make_events, put, write_child, write_trace

GOLDEN = Path(__file__).parents[1] / "golden" / "profiles.prom"


class Exporter:
    """A collector of a directory."""

    def __init__(self, folder: Path, **settings: object) -> None:
        training = {"profiles_directory": str(folder), **settings}
        self.config = Config.model_validate({"training": training})
        self.collector = ProfilesCollector(self.config)
        self.text = ""

    def look(self) -> dict[str, float]:
        """Take a sample; give the values of all series."""
        self.text = ""
        for family in self.collector.collect():
            self.text += "".join(render(family).text)
        lines = (line for line in self.text.splitlines() if not line.startswith("#"))
        return {series: float(value) for series, _, value in (s.rpartition(" ") for s in lines)}

    def read_all(self) -> dict[str, float]:
        """Take samples until no trace waits."""
        return wait_until(self._look_whether_all, 60, "all traces read")

    def _look_whether_all(self) -> dict[str, float]:
        values = self.look()
        return {} if states(values)["waiting"] else values


@pytest.fixture
def exporter(tmp_path: Path) -> Iterator[Exporter]:
    watching = Exporter(tmp_path)
    yield watching
    watching.collector.stop()


def states(values: dict[str, float]) -> dict[str, float]:
    name = "panewatch_profile_traces{"
    found = {s.split('"')[1]: value for s, value in values.items() if s.startswith(name)}
    assert found.keys() == set(c.STATES)
    return found


def failures(values: dict[str, float]) -> dict[str, float]:
    name = "panewatch_profile_trace_failures_total"
    found = {s.split('"')[1]: value for s, value in values.items() if s.startswith(name)}
    assert found.keys() == set(c.FAILURES)
    return {reason: value for reason, value in found.items() if value}


def runs(values: dict[str, float]) -> set[str]:
    return {
        series.partition('run="')[2].partition('"')[0] for series in values if 'run="' in series
    }


def share_of_waiting(values: dict[str, float], run: str = "resnet") -> float:
    return values[f'panewatch_profile_share_ratio{{part="data_wait",run="{run}"}}']


def test_a_trace_is_shown(exporter: Exporter, tmp_path: Path) -> None:
    trace = write_trace(tmp_path)
    values = exporter.read_all()
    assert share_of_waiting(values) == pytest.approx(0.4)
    assert values['panewatch_profile_steps{run="resnet"}'] == 2
    assert values['panewatch_profile_step_seconds{run="resnet"}'] == pytest.approx(0.001)
    operator = 'device="cpu",operator="aten::mm",run="resnet"'
    seconds = values[f"panewatch_profile_operator_self_seconds{{{operator}}}"]
    assert seconds == pytest.approx(0.0006)
    assert values[f"panewatch_profile_operator_calls{{{operator}}}"] == 2
    written = values['panewatch_profile_timestamp_seconds{run="resnet"}']
    assert written == pytest.approx(trace.stat().st_mtime)
    found = {
        name
        for name in FINDINGS
        if values[f'panewatch_profile_finding{{finding="{name}",run="resnet"}}']
    }
    assert found == {"data_bound"}
    assert states(values) == {
        "shown": 1,
        "older": 0,
        "waiting": 0,
        "expired": 0,
        "refused": 0,
        "left_out": 0,
    }


def test_what_is_exposed_is_as_agreed(
    exporter: Exporter, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    write_trace(tmp_path, "bert", make_events(100, ("aten::add",)))
    write_trace(tmp_path)
    exporter.read_all()
    text = re.sub(r"(timestamp_seconds\{.*\}) .*", r"\1", exporter.text)
    if request.config.getoption("--update-golden"):
        GOLDEN.write_text(text)
    assert text == GOLDEN.read_text()


def test_promtool_likes_it(exporter: Exporter, tmp_path: Path) -> None:
    write_trace(tmp_path)
    exporter.read_all()
    done = subprocess.run(
        ["promtool", "check", "metrics"],
        input=exporter.text,
        text=True,
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_a_packed_trace_is_shown(exporter: Exporter, tmp_path: Path) -> None:
    plain = write_trace(tmp_path)
    put(plain.with_name(f"{plain.name}.gz"), gzip.compress(plain.read_bytes()))
    plain.unlink()
    assert share_of_waiting(exporter.read_all()) == pytest.approx(0.4)


def test_each_trace_is_read_once_and_the_newest_of_a_run_is_shown(
    exporter: Exporter, tmp_path: Path
) -> None:
    write_trace(tmp_path, events=make_events(200), age=600)
    write_trace(tmp_path, events=make_events(300), age=500)
    write_trace(tmp_path, "bert", events=make_events(500), age=400)
    values = exporter.read_all()
    assert (share_of_waiting(values), share_of_waiting(values, "bert")) == (0.3, 0.5)
    assert values["panewatch_profile_traces_read_total"] == 2
    assert (states(values)["shown"], states(values)["older"]) == (2, 1)
    families = exporter.collector.collect()
    assert [*exporter.collector.collect()] == [*families], "nothing has changed"
    assert exporter.look()["panewatch_profile_traces_read_total"] == 2
    newest = write_trace(tmp_path, events=make_events(600))
    assert share_of_waiting(exporter.read_all()) == 0.6
    newest.unlink()
    assert share_of_waiting(exporter.look()) == 0.3, "it was read before"
    assert exporter.look()["panewatch_profile_traces_read_total"] == 3


def test_a_trace_that_goes_or_expires_is_not_shown(tmp_path: Path) -> None:
    exporter = Exporter(tmp_path, profiles_expire_after=3600)
    trace = write_trace(tmp_path)
    old = write_trace(tmp_path, "old", age=3700)
    assert runs(exporter.read_all()) == {"resnet"}
    assert states(exporter.look())["expired"] == 1
    old.unlink()
    os.utime(trace, (1, 1))
    assert runs(exporter.look()) == set()


@pytest.mark.parametrize("change", ["removed", "emptied"])
def test_a_directory_that_goes_takes_its_series_along(tmp_path: Path, change: str) -> None:
    folder = tmp_path / "profiles"
    exporter = Exporter(folder)
    assert runs(exporter.look()) == set()
    folder.mkdir()
    trace = write_trace(folder)
    assert runs(exporter.read_all()) == {"resnet"}
    trace.unlink()
    if change == "removed":
        folder.rmdir()
    values = exporter.look()
    assert runs(values) == set()
    assert sum(states(values).values()) == 0
    folder.mkdir(exist_ok=True)
    write_trace(folder)
    assert runs(exporter.read_all()) == {"resnet"}


def test_a_directory_that_cannot_be_read_is_told(exporter: Exporter, tmp_path: Path) -> None:
    folder = tmp_path / "a file"
    folder.touch()
    watching = Exporter(folder)
    with pytest.raises(SourceUnavailable, match="cannot be read"):
        watching.look()
    assert not runs({})
    (finding,) = diagnose(watching.config)
    assert not finding.ok
    (finding,) = diagnose(exporter.config)
    assert finding.ok


def test_a_directory_that_cannot_be_read_any_more_takes_its_series_along(tmp_path: Path) -> None:
    folder, aside = tmp_path / "profiles", tmp_path / "aside"
    folder.mkdir()
    write_trace(folder)
    exporter = Exporter(folder)
    bad = put(folder / "bad.json", b"")
    assert runs(exporter.read_all()) == {"resnet"}
    told = failures(exporter.look())
    assert sum(told.values()) == 1
    folder.rename(aside)
    folder.touch()
    with pytest.raises(SourceUnavailable):
        exporter.look()
    assert 'run="resnet"' not in exporter.text
    assert "panewatch_profile_traces_read_total 1" in exporter.text
    folder.unlink()
    aside.rename(folder)
    values = exporter.look()
    assert runs(values) == {"resnet"}
    assert values["panewatch_profile_traces_read_total"] == 1, "it was read before"
    assert failures(values) == told
    bad.unlink()
    assert states(exporter.look())["refused"] == 0


def test_reading_has_no_more_memory_than_it_may(tmp_path: Path) -> None:
    trace = write_trace(tmp_path)
    program = (
        "import os, sys\n"
        "from panewatch.training.profiles import child\n"
        "child._MOST_MEMORY = 1 << 20\n"
        "print(child.main(str(os.open(sys.argv[1], os.O_RDONLY))))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(trace)], capture_output=True, text=True, check=True,
        env={"PYTHONPATH": reader._PACKAGES},
    )  # fmt: skip
    assert done.stdout.strip() == """b'{"refused": "memory"}'"""


def test_without_a_home_there_is_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "XDG_STATE_HOME", "PANEWATCH_TRAINING__PROFILES_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    collector = ProfilesCollector(Config())
    assert sum(family.name == "panewatch_profile_traces" for family in collector.collect()) == 1
    (finding,) = diagnose(Config())
    assert finding.ok
    assert "no home" in finding.detail


def link(folder: Path) -> None:
    (folder / "bad.json").symlink_to(write_trace(folder.parent))


def pipe(folder: Path) -> None:
    os.mkfifo(folder / "bad.json")


def directory(folder: Path) -> None:
    (folder / "bad.json").mkdir()


def writable(folder: Path) -> None:
    write_trace(folder).chmod(0o666)


def unreadable(folder: Path) -> None:
    if not os.geteuid():
        pytest.skip("root reads everything")
    write_trace(folder).chmod(0)


def sparse(folder: Path) -> None:
    with put(folder / "bad.json", b"").open("r+b") as file:
        file.truncate(shelf.MOST_BYTES + 1)
    os.utime(folder / "bad.json", (time.time() - 60,) * 2)


def empty(folder: Path) -> None:
    put(folder / "bad.json", b"")


def no_events(folder: Path) -> None:
    put(folder / "bad.json", b'{"traceEvents": []}')


def garbage(folder: Path) -> None:
    put(folder / "bad.json.gz", b"\x1f\x8b" + os.urandom(5000))


@pytest.mark.parametrize(
    ("make", "reasons"),
    [
        (link, {"not_plain"}), (pipe, {"not_plain"}), (directory, {"not_plain"}),
        (writable, {"owner"}), (unreadable, {"unreadable"}), (sparse, {"too_large"}),
        (empty, {"empty", "no_events"}), (no_events, {"no_events"}), (garbage, {"garbage"}),
    ],
)  # fmt: skip
def test_what_is_no_trace_of_ours_is_refused_once(
    tmp_path: Path, make: Callable[[Path], None], reasons: set[str]
) -> None:
    folder = tmp_path / "profiles"
    folder.mkdir()
    make(folder)
    for path in folder.iterdir():
        os.utime(path, (time.time() - 30,) * 2, follow_symlinks=False)
    good = write_trace(folder, "good")
    exporter = Exporter(folder)
    values = exporter.read_all()
    assert runs(values) == {"good"}
    assert set(failures(values)) <= reasons
    assert list(failures(values).values()) == [1]
    assert states(values)["refused"] == 1
    assert failures(exporter.look()) == failures(values)
    good.unlink()
    assert runs(exporter.look()) == set()


def test_a_bad_trace_lets_the_one_before_it_stand(exporter: Exporter, tmp_path: Path) -> None:
    write_trace(tmp_path, events=make_events(300), age=600)
    assert share_of_waiting(exporter.read_all()) == 0.3
    bad = write_trace(tmp_path, events=[])
    values = exporter.read_all()
    assert share_of_waiting(values) == 0.3
    assert (states(values)["shown"], states(values)["refused"]) == (1, 1)
    bad.unlink()
    assert states(exporter.look())["refused"] == 0


def test_only_the_newest_bad_traces_of_a_run_are_tried(exporter: Exporter, tmp_path: Path) -> None:
    write_trace(tmp_path, age=900)
    for age in range(5):
        put(tmp_path / f"resnet.{10**18 + age}.pt.trace.json", b"", age=100 + age)
    values = exporter.read_all()
    assert runs(values) == set()
    assert sum(failures(values).values()) == 3


def test_a_trace_that_is_being_written_waits(exporter: Exporter, tmp_path: Path) -> None:
    write_trace(tmp_path, events=make_events(300), age=600)
    trace = write_trace(tmp_path, age=0)
    values = wait_until(lambda: exporter.look() if runs(exporter.look()) else {}, 30)
    assert share_of_waiting(values) == 0.3
    assert states(values)["waiting"] == 1
    os.utime(trace, (time.time() - 30,) * 2)
    assert share_of_waiting(exporter.read_all()) == 0.4


def test_half_a_trace_says_so(exporter: Exporter, tmp_path: Path) -> None:
    whole = write_trace(tmp_path)
    put(whole, whole.read_bytes()[:-200])
    values = exporter.read_all()
    assert values['panewatch_profile_truncated{run="resnet"}'] == 1


def hold_child(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have traces be read only once a file is there."""
    go = folder / "go"
    program = (
        "import os, sys, time\n"
        f"while not os.path.exists({str(go)!r}):\n"
        "    time.sleep(0.01)\n"
        f"os.environ['PYTHONPATH'] = {reader._PACKAGES!r}\n"
        "os.execv(sys.executable, [sys.executable, '-P', '-m', "
        "'panewatch.training.profiles.child', sys.argv[1]])\n"
    )
    monkeypatch.setattr(reader, "_PACKAGES", write_child(folder / "packages", program))
    return go


def list_children() -> list[psutil.Process]:
    return [
        each
        for each in psutil.Process().children()
        if each.status() != psutil.STATUS_ZOMBIE and "profiles.child" in " ".join(each.cmdline())
    ]


def test_a_trace_that_changes_while_it_is_read_is_read_again(
    exporter: Exporter,
    tmp_path_factory: pytest.TempPathFactory,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(exporter.collector, "_patience", 0.05)
    go = hold_child(tmp_path_factory.mktemp("held"), monkeypatch)
    trace = write_trace(tmp_path)
    assert states(exporter.look())["waiting"] == 1
    put(trace, trace.read_bytes().replace(b"aten::mm", b"aten::bmm"), age=30)
    go.touch()
    values = exporter.read_all()
    assert 'operator="aten::bmm"' in "".join(values)
    assert values["panewatch_profile_traces_read_total"] == 1
    assert failures(values) == {}


def test_one_that_is_replaced_while_it_is_read_leaves_nothing_of_it(
    exporter: Exporter,
    tmp_path_factory: pytest.TempPathFactory,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(exporter.collector, "_patience", 0.05)
    go = hold_child(tmp_path_factory.mktemp("held"), monkeypatch)
    trace = write_trace(tmp_path)
    exporter.look()
    other = write_trace(tmp_path, "other", make_events(700))
    other.replace(trace)
    go.touch()
    assert share_of_waiting(exporter.read_all()) == 0.7


def test_a_trace_that_takes_too_long_is_given_up(
    exporter: Exporter,
    tmp_path_factory: pytest.TempPathFactory,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hold_child(tmp_path_factory.mktemp("held"), monkeypatch)
    monkeypatch.setattr(reader, "MOST_SECONDS", 0.2)
    monkeypatch.setattr(exporter.collector, "_patience", 0.05)
    monkeypatch.setattr(module, "_PATIENCE_SECONDS", 0.05)
    write_trace(tmp_path)
    values = exporter.read_all()
    assert failures(values) == {"timeout": 1}
    assert not list_children()


def test_no_sample_waits_for_a_trace_and_the_end_leaves_no_process(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold_child(tmp_path_factory.mktemp("held"), monkeypatch)
    monkeypatch.setattr(module, "_FIRST_SECONDS", 0.01)
    monkeypatch.setattr(module, "_PATIENCE_SECONDS", 0.01)
    for place in range(5):
        write_trace(tmp_path, f"run{place}")
    exporter = Exporter(tmp_path)
    descriptors = psutil.Process().num_fds()
    for _ in range(20):
        assert states(exporter.look())["waiting"] == 5
    (child,) = list_children()
    assert os.getpriority(os.PRIO_PROCESS, child.pid) >= os.getpriority(os.PRIO_PROCESS, 0)
    exporter.collector.stop()
    assert not child.is_running()
    assert psutil.Process().num_fds() <= descriptors


def test_a_child_that_ends_badly_is_told(
    exporter: Exporter,
    tmp_path_factory: pytest.TempPathFactory,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    packages = write_child(tmp_path_factory.mktemp("broken"), "no Python")
    monkeypatch.setattr(reader, "_PACKAGES", packages)
    write_trace(tmp_path)
    assert failures(exporter.read_all()) == {"crashed": 1}


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("print('no JSON')", "crashed"),
        ("print('{}')", "crashed"),
        ("print('[]')", "crashed"),
        ("""print('{"refused": "pane text"}')""", "crashed"),
        ("""print('{"refused": "memory"}')""", "memory"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGXCPU)", "timeout"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "crashed"),
    ],
)
def test_only_answers_that_are_agreed_are_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, reason: str
) -> None:
    monkeypatch.setattr(reader, "_PACKAGES", write_child(tmp_path / "packages", answer))
    traces = tmp_path / "traces"
    traces.mkdir()
    write_trace(traces)
    assert failures(Exporter(traces).read_all()) == {reason: 1}


def test_a_thousand_files_cost_as_many_series_as_are_allowed(
    exporter: Exporter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporter.collector, "_patience", 0.5)
    text = write_trace(tmp_path, "x").read_bytes()
    for run in range(shelf.MOST_RUNS + 5):
        for number in range(40):
            put(tmp_path / f"run{run}.{10**18 + number}.pt.trace.json", text, age=100 + run)
    values = exporter.look()
    assert sum(states(values).values()) == 1 + 40 * (shelf.MOST_RUNS + 5)
    assert states(values)["left_out"] == 40 * 6
    assert len(runs(values)) <= shelf.MOST_RUNS


def test_names_that_were_made_to_harm_are_no_labels(exporter: Exporter, tmp_path: Path) -> None:
    hostile = (
        '"} 1\nup 0\n', "\x1b[31mred", "/home/ada/secret.py(3): run", "my password is x",
        "a" * 500, "\u202e/evil", "é", "{{ template }}", "",
    )  # fmt: skip
    write_trace(tmp_path, 'r"u n\n{}\x1b', make_events(100, (*hostile, "aten::mm")))
    values = exporter.read_all()
    (run,) = runs(values)
    assert re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", run)
    operators = set(re.findall(r'operator="([^"]*)"', exporter.text))
    assert operators == {"DataLoader.__next__", "ProfilerStep", "aten::mm", "other"}


def test_a_reload_goes_on(
    exporter: Exporter, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    write_trace(tmp_path)
    assert runs(exporter.read_all()) == {"resnet"}
    folder = tmp_path_factory.mktemp("elsewhere")
    write_trace(folder, "bert")
    exporter.collector.reconfigure(Exporter(folder).config)
    values = exporter.read_all()
    assert runs(values) == {"bert"}
    assert values["panewatch_profile_traces_read_total"] == 2
