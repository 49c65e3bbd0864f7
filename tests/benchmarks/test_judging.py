"""What benchmarks judge with: tallies of lines, verdicts, and answers of a server."""

from __future__ import annotations

import gzip
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"benchmarks_{name}", BENCHMARKS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module", autouse=True)
def _forget_modules() -> Iterator[None]:
    yield
    for name in [name for name in sys.modules if name.startswith("benchmarks_")]:
        del sys.modules[name]


tally = load("tally")
printer = load("printer")
report = load("report")
scraper = load("scraper")
PRINTED = [printer.write_line(number) for number in range(10)]


def count(*looks: tuple[bool, list[str]]) -> Any:
    return tally.tally(PRINTED, [tally.Look(gap, lines) for gap, lines in looks])


def test_printed_lines_are_found_among_escapes() -> None:
    output = f"$ make\r\n{PRINTED[0]}\r\n\x1b[H\x1b[2J{PRINTED[1]}\r\n".encode()
    assert tally.find_lines(output) == PRINTED[:2]


def test_every_line_once_is_exact() -> None:
    result = count((False, ["$ make", *PRINTED[:4]]), (False, PRINTED[4:]))
    assert (result.once, result.exact, result.honest) == (10, True, True)


def test_a_repeated_line_is_no_longer_seen_once() -> None:
    result = count((False, PRINTED[:6]), (False, PRINTED[5:]))
    assert (result.once, result.repeated, result.missing) == (9, 1, 0)
    assert not result.honest


@pytest.mark.parametrize(
    ("looks", "hidden"),
    [
        ([(False, PRINTED[:3]), (False, PRINTED[5:])], 1),
        ([(False, PRINTED[:3]), (True, PRINTED[5:])], 0),
        ([(True, PRINTED[:3]), (False, PRINTED[5:])], 0),
        ([(True, PRINTED[:1]), (False, PRINTED[1:3]), (False, PRINTED[5:])], 1),
        ([(False, PRINTED[:3]), (True, []), (False, PRINTED[5:])], 0),
        ([(True, PRINTED[2:4] + PRINTED[6:])], 1),
        ([(False, PRINTED[:8])], 1),
        ([(False, PRINTED[:8]), (True, [])], 0),
        ([(False, [])], 1),
    ],
)
def test_a_loss_needs_a_gap_of_its_own_beside_it(
    looks: list[tuple[bool, list[str]]], hidden: int
) -> None:
    result = count(*looks)
    assert result.hidden == hidden
    assert result.missing
    assert result.honest == (hidden == 0)


def test_a_gap_without_a_loss_is_not_exact() -> None:
    result = count((True, PRINTED))
    assert (result.honest, result.exact) == (True, False)


def test_wrong_and_late_lines_are_counted() -> None:
    result = count((True, ["#0000003 never printed", *PRINTED[5:], *PRINTED[:5]]))
    assert (result.foreign, result.disordered) == (1, 5)
    assert not result.honest


@pytest.mark.parametrize(
    ("value", "budget", "at_least", "verdict"),
    [
        (250.0, 250.0, False, "met"),
        (300.0, 250.0, False, "missed by 20 %"),
        (30.0, 40.0, True, "missed by 25 %"),
        (41.0, 40.0, True, "met"),
        (3, 0, False, "missed by 3 ms"),
        (3, None, False, ""),
    ],
)
def test_a_verdict_says_by_how_much(
    value: float, budget: float | None, *, at_least: bool, verdict: str
) -> None:
    assert report.Figure("what", value, "ms", budget, at_least).verdict == verdict


def test_quantiles_are_values_that_were_measured() -> None:
    values = [float(n) for n in range(200, 0, -1)]
    assert [report.quantile(values, share) for share in (0.5, 0.99, 1.0)] == [100, 198, 200]


def answer(body: bytes, *headers: bytes) -> bytes:
    return b"\r\n".join([b"HTTP/1.1 200 OK", *headers, b"", body])


TEXT = b"# TYPE a gauge\na 1.0\n# EOF\n"
OPENMETRICS = b"Content-Type: application/openmetrics-text"


def judge(data: bytes) -> tuple[int, int, int]:
    judged = scraper.Judge()
    judged.take([scraper.Answer(took=0.1, data=bytearray(data))])
    return len(judged.latencies), judged.refused, judged.torn


@pytest.mark.parametrize(
    ("data", "verdict"),
    [
        (answer(TEXT, OPENMETRICS), (1, 0, 0)),
        (answer(gzip.compress(TEXT), OPENMETRICS, b"Content-Encoding: gzip"), (1, 0, 0)),
        (answer(b"5\r\na 1.0\r\n1\r\n\n\r\n0\r\n\r\n", b"Transfer-Encoding: chunked"), (1, 0, 0)),
        (answer(TEXT[:-6], OPENMETRICS), (0, 0, 1)),
        (answer(gzip.compress(TEXT)[:-3], OPENMETRICS, b"Content-Encoding: gzip"), (0, 0, 1)),
        (answer(b"busy\n").replace(b"200 OK", b"503 Service Unavailable"), (0, 1, 0)),
        (b"", (0, 0, 1)),
    ],
)
def test_torn_and_refused_answers_are_told_from_whole_ones(
    data: bytes, verdict: tuple[int, int, int]
) -> None:
    assert judge(data) == verdict


def test_an_answer_is_complete_with_its_last_byte() -> None:
    plain = answer(TEXT, b"Content-Length: %d" % len(TEXT))
    chunked = answer(b"1\r\na\r\n0\r\n\r\n", b"Transfer-Encoding: chunked")
    for data in (plain, chunked):
        states = [scraper.Answer(data=bytearray(data[:n])).complete for n in range(len(data) + 1)]
        assert states == [False] * len(data) + [True]


def test_a_printer_paces_itself(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    seconds = printer.print_lines(0, 60, 600.0, start=0.0, burst=20, clear=30)
    output = capfdbinary.readouterr().out
    assert tally.find_lines(output) == [printer.write_line(number) for number in range(60)]
    assert output.count(b"\x1b[H\x1b[2J") == 2
    assert seconds >= 0.1
