"""A dashboard's frame: variables, links, rows, and where each panel stands."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from grafana_foundation_sdk.builders import (
    bargauge,
    dashboard,
    stat,
    statetimeline,
    table,
    timeseries,
)
from grafana_foundation_sdk.models.dashboard import (
    Dashboard,
    DashboardCursorSync,
    DashboardLinkType,
    GridPos,
    VariableOption,
    VariableRefresh,
    VariableSort,
)

from boards.queries import DATASOURCE, HOST, SERVER

TAG = "panewatch"
COLUMNS = 24

JOBS = ".*panewatch.*"
"""Scrape jobs whose name says so are panewatch's; ``up`` is there even when it is down."""


PanelBuilder: TypeAlias = (
    bargauge.Panel | stat.Panel | statetimeline.Panel | table.Panel | timeseries.Panel
)
"""The builders of every kind of panel there is here."""


@dataclass(frozen=True)
class Shelf:
    """Panels side by side: a height, and each panel with its width of 24 columns."""

    height: int
    panels: Sequence[tuple[int, PanelBuilder]]


@dataclass(frozen=True)
class Row:
    """A heading and the shelves below it."""

    title: str
    shelves: Sequence[Shelf]


@dataclass(frozen=True)
class Variable:
    """A box on top of the dashboard that chooses label values.

    ``every`` is the pattern that "All" stands for; without ``include_all`` the first
    value is chosen until the reader takes more.
    """

    name: str
    query: str
    every: str = ".+"
    include_all: bool = True
    sort: VariableSort = VariableSort.NATURAL_ASC

    def build(self) -> dashboard.QueryVariable:
        """Build the variable, read again whenever the time range changes."""
        variable = (
            dashboard.QueryVariable(self.name)
            .label(self.name.capitalize())
            .datasource(DATASOURCE)
            .query({"query": f"label_values({self.query}, {self.name})", "refId": self.name})
            .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
            .sort(self.sort)
            .multi(True)
            .include_all(self.include_all)
            .all_value(self.every)
        )
        if self.include_all:
            variable = variable.current(VariableOption(True, ["All"], ["$__all"]))
        return variable


def host_variables(*, every_host: bool) -> tuple[Variable, ...]:
    """Give the variables ``job`` and ``instance``."""
    return (
        Variable("job", f'up{{job=~"{JOBS}"}}', every=JOBS),
        Variable("instance", 'up{job=~"$job"}', include_all=every_host),
    )


SERVER_VARIABLE = Variable("server", f"panewatch_tmux_server_up{{{HOST}}}")

PANE_VARIABLES = (
    Variable("session", f"panewatch_pane_info{{{SERVER}}}"),
    Variable("window", f'panewatch_pane_info{{{SERVER}, session=~"$session"}}'),
    Variable("pane", f'panewatch_pane_info{{{SERVER}, session=~"$session", window=~"$window"}}'),
)


def assemble(
    name: str,
    description: str,
    variables: Sequence[Variable],
    rows: Sequence[Row],
    *,
    since: str,
) -> Dashboard:
    """Put a dashboard together.

    Args:
        name: its name; the uid ``panewatch-NAME`` is made from it and stays.
        description: what it answers.
        variables: the boxes on top, besides the data source.
        rows: headings and panels, placed from the top down.
        since: start of the time range it opens with.
    """
    board = (
        dashboard.Dashboard(f"panewatch / {name.capitalize()}")
        .uid(f"panewatch-{name}")
        .description(description)
        .tags([TAG])
        .readonly()
        .timezone("browser")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .refresh("30s")
        .time(since, "now")
        .link(
            dashboard.DashboardLink("panewatch")
            .type(DashboardLinkType.DASHBOARDS)
            .tags([TAG])
            .as_dropdown(True)
            .include_vars(True)
            .keep_time(True)
            .icon("external link")
            .tooltip("The other dashboards of panewatch, with the same choices")
        )
        .with_variable(
            dashboard.DatasourceVariable("datasource")
            .label("Data source")
            .type("prometheus")
            .current(VariableOption(True, "Prometheus", "prometheus"))
        )
    )
    for variable in variables:
        board = board.with_variable(variable.build())
    number, top = 1, 0
    for row in rows:
        heading = dashboard.Row(row.title).id(number).grid_pos(GridPos(x=0, y=top, w=COLUMNS, h=1))
        board = board.with_row(heading)
        number, top = number + 1, top + 1
        for shelf in row.shelves:
            left = 0
            for width, panel in shelf.panels:
                place = GridPos(x=left, y=top, w=width, h=shelf.height)
                board = board.with_panel(panel.id(number).grid_pos(place))
                number, left = number + 1, left + width
            top += shelf.height
    return board.build()
