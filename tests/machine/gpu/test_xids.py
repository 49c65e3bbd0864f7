"""Errors that the driver reports as events: each is counted once, and none is waited for."""

from __future__ import annotations

from machine.gpu.conftest import Launch
from machine.gpu.fake_nvml import UUIDS, FakeNvml, describe_all
from machine.gpu.watching import GpuExporter, needs_compiler
from panewatch.machine.gpu.contract import XIDS
from polling import wait_until

pytestmark = needs_compiler


def read_xids(exporter: GpuExporter) -> dict[tuple[str, str], float]:
    """What was counted, by index and number; zeros are left out."""
    series = exporter.read()
    return {
        (str(index), xid): value
        for index, uuid in enumerate(UUIDS)
        for xid in [*map(str, XIDS), "other"]
        if (value := series.get(f'gpu_xid_errors_total{{gpu="{uuid}",xid="{xid}"}}'))
    }


def test_each_error_is_counted_once_for_its_gpu(launch: Launch, library: FakeNvml) -> None:
    library.tell(describe_all(2))
    exporter = launch(library)
    exporter.wait_for_state("up")
    zeros = [name for name in exporter.read() if name.startswith("gpu_xid_errors_total")]
    assert len(zeros) == 2 * (len(XIDS) + 1), "each is there before it happens"
    events = ["0 event 1 31", "1 event 2 79", "1 event 3 79", "0 event 4 1234"]
    library.tell([*events, *describe_all(2)])
    expected = {("0", "31"): 1.0, ("1", "79"): 2.0, ("0", "other"): 1.0}
    wait_until(lambda: read_xids(exporter) == expected, what="four errors")
    library.tell([*events, "0 event 5 31", *describe_all(2)])
    wait_until(lambda: read_xids(exporter)["0", "31"] == 2, what="a fifth")


def test_counts_outlive_the_gpu_and_the_driver(launch: Launch, library: FakeNvml) -> None:
    library.tell(describe_all(2))
    exporter = launch(library)
    exporter.wait_for_state("up")
    lost = ["1 event 1 79", "1 ! * error 15"]
    library.tell([*lost[:1], *describe_all(2)])
    wait_until(lambda: read_xids(exporter) == {("1", "79"): 1.0}, what="the error")
    library.tell([*lost, *describe_all(2)])
    wait_until(lambda: exporter.read()["gpus_unreadable"] == 1, what="it is lost")
    assert read_xids(exporter) == {("1", "79"): 1.0}
    library.tell(["* ! * error 9", *lost])
    exporter.wait_for_state("no_driver")
    assert read_xids(exporter) == {("1", "79"): 1.0}
    library.tell(describe_all(2))
    exporter.wait_for_state("up")
    library.tell(["1 event 2 79", *describe_all(2)])
    wait_until(lambda: read_xids(exporter) == {("1", "79"): 2.0}, what="the next error")


def test_errors_of_others_are_told_while_one_gpu_is_lost_and_when_it_is_back(
    launch: Launch, library: FakeNvml
) -> None:
    """Who waits for all of them at once is told of the loss alone, again and again."""
    library.tell(describe_all(3))
    exporter = launch(library)
    exporter.wait_for_state("up")
    events = ["1 event 1 79"]
    library.tell([*events, *describe_all(3)])
    wait_until(lambda: read_xids(exporter) == {("1", "79"): 1.0}, what="what it is lost by")
    library.tell([*events, "1 ! * error 15", *describe_all(3)])
    wait_until(lambda: exporter.read()["gpus_unreadable"] == 1, what="it is lost")
    events += ["0 event 2 48", "2 event 3 31"]
    library.tell([*events, "1 ! * error 15", *describe_all(3)])
    expected = {("1", "79"): 1.0, ("0", "48"): 1.0, ("2", "31"): 1.0}
    wait_until(lambda: read_xids(exporter) == expected, what="the errors of the others")
    library.tell([*events, *describe_all(3)])
    wait_until(lambda: exporter.read()["gpus_unreadable"] == 0, what="it is back")
    for index, xid in (("0", "48"), ("1", "48")):
        events.append(f"{index} event {len(events) + 1} {xid}")
        library.tell([*events, *describe_all(3)])
        expected[index, xid] = expected.get((index, xid), 0.0) + 1
        wait_until(lambda: read_xids(exporter) == expected, what=f"an error of {index}")


def test_a_gpu_without_events_has_no_count(launch: Launch, library: FakeNvml) -> None:
    library.tell([line for line in describe_all(2) if line != "0 events 8"])
    exporter = launch(library)
    exporter.wait_for_state("up")
    counted = {name for name in exporter.read() if name.startswith("gpu_xid_errors_total")}
    assert len(counted) == len(XIDS) + 1
    assert all(UUIDS[1] in name for name in counted)


def test_a_wait_that_hangs_disturbs_nobody(launch: Launch, library: FakeNvml) -> None:
    """The driver is restarted under it: what hangs is left alone, and there is never a second."""
    library.tell(["* ! nvmlEventSetWait_v2 hang", *describe_all(2)])
    exporter = launch(library)

    def restart() -> None:
        library.tell(["* ! nvmlEventSetWait_v2 hang", "* ! nvmlDeviceGetCount_v2 error 9"])
        exporter.wait_for_state("no_driver")
        library.tell(["* ! nvmlEventSetWait_v2 hang", *describe_all(2)])
        exporter.wait_for_state("up")

    exporter.wait_for_state("up")
    restart()
    threads = exporter.count_threads()
    for _ in range(4):
        restart()
    exporter.wait_for_threads(threads)
    library.tell(["0 event 1 31", *describe_all(2)])
    wait_until(lambda: read_xids(exporter) == {("0", "31"): 1.0}, what="it is counted again")
