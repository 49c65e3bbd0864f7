"""As much of PromQL as the checks of dashboards need: which series a query selects, and how."""

from __future__ import annotations

import re
from dataclasses import dataclass

_STRING = r'"(?:[^"\\]|\\.)*"'
_TOKEN = re.compile(
    rf"""(?P<string>{_STRING})
    | \[[^]]*\] | \b\d[\w.]*
    | \b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)
    | (?P<name>[a-zA-Z_:][\w:]*)
      \s*(?P<matchers>\{{(?:[^}}"]|{_STRING})*\}})?
      \s*(?P<range>\[[^]]*\])?
      (?P<call>\s*\()?
    """,
    re.VERBOSE,
)
_MATCHER = re.compile(rf"(\w+)\s*(=~|!~|!=|=)\s*({_STRING})")
_FUNCTION = re.compile(r"(\w+)\s*\(\s*$")
_WORDS = {"and", "or", "unless", "bool", "offset", "inf", "nan"}
_AGGREGATIONS = {
    "sum", "min", "max", "avg", "group", "stddev", "stdvar",
    "count", "count_values", "bottomk", "topk", "quantile",
}  # fmt: skip


@dataclass(frozen=True)
class Selector:
    """One selector of a query.

    ``matchers`` holds ``operator"value"`` by label, ``window`` what stands in the
    brackets, ``function`` the function it is the first argument of.
    """

    metric: str
    matchers: dict[str, str]
    window: str
    function: str


def find_selectors(expr: str) -> list[Selector]:
    """Give every selector of a query, in order."""
    found = []
    for token in _TOKEN.finditer(expr):
        name = token["name"]
        if not name or name.lower() in _WORDS | _AGGREGATIONS:
            continue
        if token["call"] and not token["matchers"]:
            continue
        before = _FUNCTION.search(expr[: token.start()])
        found.append(
            Selector(
                name,
                {
                    label: op + value
                    for label, op, value in _MATCHER.findall(token["matchers"] or "")
                },
                (token["range"] or "").strip("[]"),
                before[1] if before else "",
            )
        )
    return found


def substitute(expr: str) -> str:
    """Put values in the place of Grafana's variables, so that Prometheus parses the query."""
    expr = expr.replace("$__rate_interval", "1m").replace("$__range", "1h")
    return re.sub(r"\$\w+|\$\{\w+\}", ".+", expr)
