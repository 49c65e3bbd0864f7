"""The reader of queries that the other checks rest on."""

from __future__ import annotations

import pytest

from dashboards.promql import Selector, find_selectors, substitute


@pytest.mark.parametrize(
    ("expr", "selectors"),
    [
        ("up", [Selector("up", {}, "", "")]),
        (
            'sum by (a, b) (rate(x_total{job=~"$job"}[$__rate_interval]))',
            [Selector("x_total", {"job": '=~"$job"'}, "$__rate_interval", "rate")],
        ),
        (
            'topk(6, time() - max by (a) (t{a!="}"})) unless on (a) s{b="and"} == bool 1',
            [Selector("t", {"a": '!="}"'}, "", ""), Selector("s", {"b": '="and"'}, "", "")],
        ),
        ('label_join(m, "by", " ", "server")', [Selector("m", {}, "", "label_join")]),
        (
            'max_over_time(timestamp(m{s="x"} == 0)[1d:1m]) or vector(0)',
            [Selector("m", {"s": '="x"'}, "", "timestamp")],
        ),
        (
            "a / ignoring (x) group_left (y) b",
            [Selector("a", {}, "", ""), Selector("b", {}, "", "")],
        ),
        ("1000 * a:b:rate5m offset 5m", [Selector("a:b:rate5m", {}, "", "")]),
    ],
)
def test_finds_selectors(expr: str, selectors: list[Selector]) -> None:
    assert find_selectors(expr) == selectors


def test_substitutes_variables() -> None:
    expr = 'rate(x{a=~"$a", b="${b}"}[$__rate_interval]) + increase(x[$__range])'
    assert substitute(expr) == 'rate(x{a=~".+", b=".+"}[1m]) + increase(x[1h])'
