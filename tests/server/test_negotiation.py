from __future__ import annotations

import pytest

from panewatch.negotiation import wants_gzip, wants_openmetrics

OPENMETRICS = "application/openmetrics-text"
PROMETHEUS_2_42 = (
    f"{OPENMETRICS};version=1.0.0,{OPENMETRICS};version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_3 = (
    f"{OPENMETRICS};version=1.0.0;escaping=allow-utf-8;q=0.6,{OPENMETRICS};version=0.0.1;q=0.5,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", False),
        ("*/*", False),
        ("text/html,application/xhtml+xml,*/*;q=0.8", False),
        ("text/plain;version=0.0.4", False),
        (PROMETHEUS_2_42, True),
        (PROMETHEUS_3, True),
        (OPENMETRICS, True),
        (f"{OPENMETRICS}; version=1.0.0; charset=utf-8", True),
        ('Application/OpenMetrics-Text; Version="1.0.0"; Q=1.000', True),
        (f"{OPENMETRICS};version=0.0.1", False),
        (f"{OPENMETRICS};version=2.0.0", False),
        (f"{OPENMETRICS};q=0", False),
        (f"{OPENMETRICS};q=0,*/*", False),
        (f"{OPENMETRICS};q=0.4,text/plain;q=0.5", False),
        (f"{OPENMETRICS};q=0.5,text/plain;q=0.4", True),
        (f"{OPENMETRICS};q=0.3,text/*;q=0.9", False),
        (f"{OPENMETRICS},text/plain", True),
        (f"text/plain,{OPENMETRICS}", False),
        (f"{OPENMETRICS};q=abc", False),
        (f"{OPENMETRICS};q=7", False),
        (f"{OPENMETRICS};q=", False),
        (",;,;;q=1,", False),
        ("image/png," * 100 + OPENMETRICS, False),
    ],
)
def test_openmetrics_is_sent_to_those_who_prefer_it(accept: str, expected: bool) -> None:
    assert wants_openmetrics(accept) is expected


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", False),
        ("identity", False),
        ("gzip", True),
        ("deflate, gzip;q=0.5", True),
        ("GZIP", True),
        ("x-gzip", True),
        ("*", True),
        ("*;q=0", False),
        ("gzip;q=0", False),
        ("gzip;q=0, *", False),
        ("gzip;q=0.2, identity;q=0.9", False),
        ("br, zstd", False),
        ("gzip;q=nonsense", False),
    ],
)
def test_gzip_is_sent_to_those_who_take_it(accept: str, expected: bool) -> None:
    assert wants_gzip(accept) is expected
