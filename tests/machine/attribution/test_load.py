"""Two panes of known work, and how far what is told of them is from it."""

from __future__ import annotations

from machine.attribution.crew import WAYS, Crew
from panes.watching import Watch

MIB = 2**20

_TICK = 0.01
"""The finest that the kernel tells of CPU time."""


def test_each_pane_is_told_what_its_own_programs_used(crew: Crew) -> None:
    """One pane's program is below its shell, the other's has left; both are seen all the time."""
    pane = crew.open(f"{crew.call('a', cpu=1.0, memory=60, write=8)} & wait", first=True)
    other = crew.open(WAYS["setsid"].format(worker=crew.call("b", cpu=0.4, memory=20, write=3)))
    watch = Watch(crew.tmux)
    watch.look()
    told = {pane: crew.find("a"), other: crew.find("b")}
    watch.look()
    for pane_id, report in told.items():
        view = watch.view(pane_id)
        assert view.processes == 2
        assert view.cpu_seconds is not None
        assert view.memory_bytes is not None
        assert view.written_bytes is not None
        # The shell, and a worker that waits, use next to nothing.
        assert report["cpu"] - _TICK <= view.cpu_seconds <= report["cpu"] + 0.15
        assert 0 <= view.memory_bytes - report["resident"] <= 6 * MIB
        assert view.written_bytes >= report["written"]
        assert view.written_bytes - report["written"] <= MIB


def test_counters_go_on_when_all_of_it_has_ended(crew: Crew) -> None:
    pane = crew.open(
        f"({crew.call('a', cpu=0.3, write=2)}; {crew.call('b', cpu=0.3)}) & "
        + WAYS["fork"].format(worker=crew.call("c", cpu=0.5, write=4))
        + "; wait",
        first=True,
    )
    watch = Watch(crew.tmux)
    watch.look()
    reports = [crew.find(name) for name in ("a", "c")]
    watch.look()
    seen = [watch.view(pane)]
    for name in ("c", "a"):
        crew.end(name)
        watch.look()
        seen.append(watch.view(pane))
    reports.append(crew.find("b"))
    crew.end("b")
    watch.look()
    seen.append(watch.view(pane))
    cpu = [view.cpu_seconds or 0.0 for view in seen]
    written = [view.written_bytes or 0 for view in seen]
    assert cpu == sorted(cpu)
    assert written == sorted(written)
    assert sum(report["cpu"] for report in reports) - 3 * _TICK <= cpu[-1]
    assert cpu[-1] <= sum(report["cpu"] for report in reports) + 0.3
    # The last one took the place of a shell that had waited for the first: its own has both.
    assert written[-1] >= sum(report["written"] for report in reports[:2])
    assert seen[-1].strays == ()
