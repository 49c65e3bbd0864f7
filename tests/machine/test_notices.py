"""What is wrong with a GPU is told once, by the shipped rules and a real Alertmanager."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from polling import wait_until
from stack import FakeExporter, Stack, serve_fake

HEALTHY = 'panewatch_gpu_up 1\npanewatch_collector_success{collector="gpu"} 1\n'
GPUS = ("lost", "broken", "hot")


def describe(
    gpu: str,
    *,
    lost: bool = False,
    xids: tuple[int, ...] = (),
    ecc: int = 0,
    celsius: int = 50,
    throttled: tuple[str, ...] = (),
) -> str:
    """Write what the exporter tells of a GPU."""
    lines = {
        f'panewatch_gpu_lost{{gpu="{gpu}"}}': int(lost),
        f'panewatch_gpu_ecc_errors_total{{gpu="{gpu}",kind="uncorrected"}}': ecc,
    }
    if not lost:
        lines[f'panewatch_gpu_temperature_celsius{{gpu="{gpu}"}}'] = celsius
        lines[f'panewatch_gpu_slowdown_temperature_celsius{{gpu="{gpu}"}}'] = 90
    for xid in (43, 48, 62, 79):
        lines[f'panewatch_gpu_xid_errors_total{{gpu="{gpu}",xid="{xid}"}}'] = int(xid in xids)
    for reason in ("hw_thermal_slowdown", "hw_power_brake_slowdown"):
        told = int(reason in throttled)
        lines[f'panewatch_gpu_throttle{{gpu="{gpu}",reason="{reason}"}}'] = told
    return "".join(f"{series} {value}\n" for series, value in lines.items())


@pytest.fixture
def fake() -> Iterator[FakeExporter]:
    with serve_fake() as exporter:
        yield exporter


@pytest.fixture
def stack(fake: FakeExporter, tmp_path: Path) -> Iterator[Stack]:
    fake.text = HEALTHY + "".join(map(describe, GPUS))
    running = Stack(tmp_path, fake.port)
    yield running
    running.close()


def list_alerts(stack: Stack, *, held: bool) -> set[tuple[str, ...]]:
    """Give the alerts that are held back, or those that are not, as words that tell them apart."""
    return {
        tuple(
            alert["labels"][label].removeprefix("Panewatch")
            for label in ("alertname", "gpu", "xid", "reason", "collector")
            if label in alert["labels"]
        )
        for alert in stack.alerts()
        if bool(alert["status"]["inhibitedBy"]) == held
    }


def list_told(stack: Stack) -> list[tuple[str, str, str]]:
    """Give what was told, in order: the status, the alert and the GPU."""
    return [
        (status, labels["alertname"].removeprefix("Panewatch"), labels.get("gpu", ""))
        for status, labels in stack.pages + stack.notes
    ]


def wait_for(stack: Stack, told: set[tuple[str, ...]], held: set[tuple[str, ...]]) -> None:
    seen: tuple[set[tuple[str, ...]], set[tuple[str, ...]]] = (set(), set())

    def look() -> bool:
        nonlocal seen
        seen = list_alerts(stack, held=False), list_alerts(stack, held=True)
        return seen == (told, held)

    try:
        wait_until(look, 60, "these alerts and no others")
    except AssertionError:
        assert seen == (told, held)


def test_one_faulty_gpu_is_one_notice(fake: FakeExporter, stack: Stack) -> None:
    wait_until(lambda: len(stack.query("panewatch_gpu_lost")) == len(GPUS), 30, "the GPUs")
    stack.wait_evaluations(2)
    heat = ("hw_thermal_slowdown", "hw_power_brake_slowdown")
    others = describe("broken", xids=(48, 43, 62), ecc=2, celsius=89)
    others += describe("hot", celsius=91, throttled=heat)
    fake.text = HEALTHY + describe("lost", lost=True, xids=(79, 62), ecc=1) + others
    told: set[tuple[str, ...]] = {
        ("GpuLost", "lost"),
        ("GpuError", "broken", "48"),
        ("GpuHot", "hot"),
        ("GpuThrottled", "hot", "hw_power_brake_slowdown"),
    }
    held: set[tuple[str, ...]] = {
        ("GpuError", "lost", "79"),
        ("GpuError", "lost", "62"),
        ("GpuMemoryErrors", "lost"),
        ("GpuError", "broken", "43"),
        ("GpuError", "broken", "62"),
        ("GpuMemoryErrors", "broken"),
        ("GpuHot", "broken"),
        ("GpuThrottled", "hot", "hw_thermal_slowdown"),
    }
    wait_for(stack, told, held)
    stack.wait_evaluations(4)
    of_lost = [notice[:2] for notice in list_told(stack) if notice[2] == "lost"]
    assert set(of_lost) == {("firing", "GpuLost")}

    fake.text = HEALTHY + describe("lost", xids=(79, 62), ecc=1) + others
    back = {alert for alert in held | told if alert[1] == "lost"}
    wait_for(stack, told - back, held - back)
    stack.wait_evaluations(4)
    of_lost = [notice[:2] for notice in list_told(stack) if notice[2] == "lost"]
    assert set(of_lost) == {("firing", "GpuLost"), ("resolved", "GpuLost")}
    assert of_lost[-1] == ("resolved", "GpuLost"), "and its errors are not told after all"


def test_a_driver_that_is_gone_is_one_page_and_nothing_is_told_to_be_mended(
    fake: FakeExporter, stack: Stack
) -> None:
    fake.text = HEALTHY + describe("gone") + describe("well")
    wait_for(stack, set(), set())
    fake.text = HEALTHY + describe("gone", lost=True) + describe("well")
    wait_for(stack, {("GpuLost", "gone")}, set())
    fake.text = 'panewatch_gpu_up 0\npanewatch_collector_success{collector="gpu"} 0\n'
    page: set[tuple[str, ...]] = {("GpuDriverFailing",)}
    wait_for(stack, page, {("CollectorFailing", "gpu")})
    stack.wait_evaluations(8)
    of_gone = {notice[:2] for notice in list_told(stack) if notice[2] == "gone"}
    assert of_gone == {("firing", "GpuLost")}, "it is not known to be mended"
    assert not any("CollectorFailing" in notice for notice in list_told(stack))
