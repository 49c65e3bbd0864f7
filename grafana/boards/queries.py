"""The selectors and the queries that more than one panel asks."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from grafana_foundation_sdk.builders import prometheus
from grafana_foundation_sdk.models.dashboard import DataSourceRef
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from boards.states import State

DATASOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")

HOST = 'job=~"$job", instance=~"$instance"'
"""Matchers of everything that one exporter tells."""

SERVER = f'{HOST}, server=~"$server"'
"""Matchers of what it tells about the chosen tmux servers."""

PANE = f'{SERVER}, session=~"$session", window=~"$window", pane=~"$pane"'
"""Matchers of what it tells about the chosen panes."""

PANE_LABELS = "instance, server, session, window, pane"
"""The labels that name a pane."""

PANE_NAME = "{{server}} {{session}}:{{window}}.{{pane}}"
"""A pane in a legend: its server, then the target that `tmux -t` takes."""

GONE = "9"
"""Stands behind every code of a state."""

PANE_OF_HOST = f"{PANE_NAME} {{{{instance}}}}"
"""A pane in a legend that tells two hosts apart."""


@dataclass(frozen=True)
class Query:
    """One query of a panel.

    ``legend`` is the name of its series. An ``instant`` query asks for the end of
    the time range only, which is what stats, bar gauges and tables show.
    """

    expr: str
    legend: str = field(default="", kw_only=True)
    instant: bool = field(default=False, kw_only=True)

    def target(self, ref_id: str, *, table: bool = False) -> prometheus.Dataquery:
        """Build the panel's target."""
        query = (
            prometheus.Dataquery()
            .datasource(DATASOURCE)
            .ref_id(ref_id)
            .expr(self.expr)
            .legend_format(self.legend or "__auto")
            .format(PromQueryFormat.TABLE if table else PromQueryFormat.TIME_SERIES)
        )
        return query.instant() if self.instant or table else query.range()


def select(metric: str, scope: str, **labels: str | Sequence[str]) -> str:
    """Give a selector: the dashboard's matchers, and labels with their value or values."""
    own = (f"{name}{_match(value)}" for name, value in labels.items())
    return f"{metric}{{{', '.join([scope, *own])}}}"


def pane_rate(metric: str, scope: str) -> str:
    """Give a counter's increase per second for each pane."""
    return f"sum by ({PANE_LABELS}) (rate({select(metric, scope)}[$__rate_interval]))"


def pane_value(metric: str, scope: str) -> str:
    """Give a gauge's value for each pane."""
    return f"max by ({PANE_LABELS}) ({select(metric, scope)})"


def silence(scope: str) -> str:
    """Give the seconds since the last output of each pane in which something runs."""
    last = pane_value("panewatch_pane_last_output_timestamp_seconds", scope)
    over = select("panewatch_pane_state", scope, state=["idle", "finished", "dead"])
    return f"time() - {last}\nunless on ({PANE_LABELS}) {over} == 1"


def count_of(metric: str, scope: str, **labels: str | Sequence[str]) -> str:
    """Give how many series there are of one that is absent where there is nothing to tell.

    It is 0 where panes are seen and none has it, and nothing where no pane is seen.
    """
    seen = f"0 * count({select('panewatch_pane_info', scope)})"
    return f"count({select(metric, scope, **labels)})\nor {seen}"


def state_code(
    metric: str,
    scope: str,
    by: str,
    states: Iterable[State],
    *,
    when: str = "",
    label: str = "state",
) -> str:
    """Give the code of the state that each thing is in, and 0 for one in none of them.

    Args:
        metric: has one 0/1 series for each state.
        scope: the dashboard's matchers.
        by: the labels that tell the things apart, comma-separated.
        states: the states looked at.
        when: a modifier of every selector, such as ``@ end()``.
        label: tells the series apart.
    """
    terms = (
        f"{s.code} * {select(metric, scope, **{label: s.name})} {when}".rstrip() for s in states
    )
    return f"max by ({by}) (\n  " + "\n  or ".join(terms) + "\n)"


def wall(scope: str, states: Sequence[State]) -> str:
    """Give the code of the state of each pane over time, for a timeline.

    Prometheus orders series by their first label, so one is put there: the state in which the
    pane is at the end of the time range, by its code, and then the pane's name. A pane that is
    gone by then comes last.
    """
    code = state_code("panewatch_pane_state", scope, PANE_LABELS, states)
    last = state_code("panewatch_pane_state", scope, PANE_LABELS, states, when="@ end()")
    return (
        f"label_join(\n"
        f"  {code} * on ({PANE_LABELS}) group_left (rank)\n"
        f'  count_values by ({PANE_LABELS}) ("rank", {last})\n'
        f'  or on ({PANE_LABELS}) label_replace({code}, "rank", "{GONE}", "", ""),\n'
        f'  "by", " ", "rank", "server", "session", "window", "pane"\n'
        f") > 0"
    )


def state_since(scope: str, states: Sequence[str]) -> str:
    """Give since when each pane has been in the state it is in, in milliseconds.

    Only panes that are in one of the states. The time is exact to a minute; a pane
    that has been so for over a day, or since it was first seen, gives that moment.
    """
    selector = select("panewatch_pane_state", scope, state=states)
    return (
        f"1000 * max by ({PANE_LABELS}) (\n"
        f"  (\n"
        f"    max_over_time(timestamp({selector} == 0)[1d:1m])\n"
        f"    or min_over_time(timestamp({selector} == 1)[1d:1m])\n"
        f"  )\n"
        f"  and {selector} == 1\n"
        f")"
    )


def with_command(
    expr: str, scope: str, labels: str = "command, agent, kind", *, agents: bool = False
) -> str:
    """Add each pane's command, agent and kind as labels, or some of these, for a table.

    Where a pane has two infos, because its command changed a moment ago, the newer counts.
    With ``agents`` only the panes in which an agent is are left.
    """
    of_agents = {"agent": [".+"]} if agents else {}
    info = select("panewatch_pane_info", scope, **of_agents)
    return (
        f"{expr}\n+ on ({PANE_LABELS}) group_left ({labels})\n"
        f"  0 * topk by ({PANE_LABELS}) (1, timestamp({info}))"
    )


def quantile(share: float, histogram: str, scope: str, by: str, window: str) -> str:
    """Give a quantile of a histogram's observations within a window, for each of ``by``.

    Nothing where there was none.
    """
    buckets = f"rate({select(f'{histogram}_bucket', scope)}[{window}])"
    return f"histogram_quantile({share}, sum by ({by}, le) ({buckets})) >= 0"


def _match(value: str | Sequence[str]) -> str:
    return f'="{value}"' if isinstance(value, str) else f'=~"{"|".join(value)}"'
