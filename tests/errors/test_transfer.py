"""Rates are read from the bars of real tools, and only while they move."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from panewatch.errors.transfer import RateWatch, find_percent, read_rate

K, M, G = 2**10, 2**20, 2**30


@pytest.mark.parametrize(
    ("line", "rate"),
    [
        # scp
        ("model.pt                    45%  450MB  11.2MB/s   00:47 ETA", 11.2 * M),
        ("model.pt                     3%   31KB 512.0KB/s   01:47 ETA", 512 * K),
        ("a                           100%    5     0.0KB/s   00:00 ETA", 0.0),
        # rsync --info=progress2 and --progress
        ("    450,123,456  45%   11.20MB/s    0:00:47  ", 11.2 * M),
        ("         32,768   0%    0.00kB/s    0:00:00  ", 0.0),
        ("        450.12M  45%    1.05GB/s    0:00:04 (xfr#1, to-chk=0/1)", 1.05 * G),
        # wget
        ("model.pt      45%[====>       ]  450.12M  11.2MB/s    eta 47s", 11.2 * M),
        ("model.pt      12%[==>         ]   12.0K   --.-KB/s   eta 2m 3s", None),
        # curl
        (" 45 1000M   45  450M    0     0  11.2M      0  0:01:29  0:00:40  0:00:49 9M", 9.0 * M),
        ("100   123  100   123    0     0    456      0 --:--:-- --:--:-- --:--:--   456", 456.0),
        ("  0     0    0     0    0     0      0      0 --:--:-- --:--:-- --:--:--     0", 0.0),
        # pip and others that draw with rich count in thousands
        ("   ━━━━━━━━━━━━━━━ 450.1/1000.0 MB 11.2 MB/s eta 0:00:49", 11.2e6),
        ("   ━━━━━━━━━━━━━━━ 45.1/100.0 kB 512.0 kB/s eta 0:00:01", 512e3),
        # tqdm with unit_scale
        ("model.bin:  45%|████▌     | 450M/1.00G [00:40<00:49, 11.2MB/s]", 11.2e6),
        ("model.bin:  45%|████▌     | 450k/1.00M [00:40<00:49, 11.2kB/s]", 11.2e3),
        # git clone
        ("Receiving objects:  45% (450/1000), 11.20 MiB | 2.30 MiB/s", 2.3 * M),
        # dd status=progress
        ("1073741824 bytes (1.1 GB, 1.0 GiB) copied, 5 s, 215 MB/s", 215e6),
        # aws s3 cp
        ("Completed 5.0 MiB/10.0 MiB (1.2 MiB/s) with 1 file(s) remaining", 1.2 * M),
        # a decimal comma
        ("model.pt                    45%  450MB  11,2MB/s   00:47 ETA", 11.2 * M),
        # none
        ("", None),
        ("100 lines", None),
        ("  % Total    % Received % Xferd  Average Speed   Time    Time     Time  Current", None),
        ("epoch 1: 12.3 it/s", None),
        ("[ ID] Bitrate: 9.4 Gb/s", None),
        ("see the MB/s column", None),
        ("https://example.org/a/b/s", None),
    ],
)  # fmt: skip
def test_rates(line: str, rate: float | None) -> None:
    assert read_rate(line) == (None if rate is None else pytest.approx(rate))


@given(st.text(alphabet="0123456789. ,%|[]=>-:kKMGTiBb/s\teaETA━", max_size=120))
def test_any_line_has_a_rate_or_none(line: str) -> None:
    rate = read_rate(line)
    assert rate is None or 0 <= rate < float("inf")
    percent = find_percent([line], 0)
    assert percent is None or 0 <= percent <= 100


def bar(percent: int) -> str:
    return f"model.pt    {percent}%  450MB  11.2MB/s   00:47 ETA"


def test_a_rate_is_shown_while_its_bar_moves() -> None:
    watch = RateWatch()
    assert watch.look([bar(1)], 0, (), 0.0) is None  # it may be left from before
    assert watch.look([bar(2)], 0, (), 1.0) == pytest.approx(11.2 * M)
    assert watch.look([bar(2)], 0, (), 5.9) == pytest.approx(11.2 * M)
    assert watch.look([bar(2)], 0, (), 6.1) is None
    assert watch.look([bar(3)], 0, (), 7.0) == pytest.approx(11.2 * M)
    assert watch.look([bar(3), "user@host:~$"], 1, [bar(3)], 7.5) is None
    assert watch.look(["user@host:~$"], 0, (), 8.0) is None


def test_a_bar_is_looked_for_at_the_cursor_and_above() -> None:
    assert find_percent([bar(45), ""], 1) == 45
    assert find_percent([bar(45), "", ""], 2) is None
    assert find_percent([], 0) is None
    assert find_percent(["cpu 250%"], 0) is None
    assert find_percent(["99.5% done"], 0) == 99
