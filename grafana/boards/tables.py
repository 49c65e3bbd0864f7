"""Tables of the present: one row for each thing, one column for each fact."""

from collections.abc import Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders import common, table
from grafana_foundation_sdk.models import common as options
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import (
    DataTransformerConfig,
    DynamicConfigValue,
    ValueMapping,
)

from boards.panels import REF_IDS, thresholds
from boards.queries import DATASOURCE, Query

PANE_LINK = (
    "/d/panewatch-panes?${__url_time_range}&${datasource:queryparam}&${job:queryparam}"
    '&var-instance=${__data.fields["Host"]:percentencode}&var-server=${__data.fields["Server"]:percentencode}'
    '&var-session=${__data.fields["Session"]:percentencode}&var-window=${__data.fields["Window"]:percentencode}'
    '&var-pane=${__data.fields["Pane"]:percentencode}'
)
"""From a row of a table with the columns of a pane to that pane's page."""


@dataclass(frozen=True)
class Column:
    """A column: the field it shows, its heading, and how its values look.

    ``field`` is a label, or ``Value #A`` for the first query's value. ``color`` is
    that of values from 1 up; ``mapping`` gives values texts and grounds. ``wrap`` gives long texts
    more lines.
    """

    field: str
    title: str
    width: int = 0
    unit: str = ""
    mapping: ValueMapping | None = None
    color: str = ""
    url: str = ""
    wrap: bool = False

    def properties(self) -> list[DynamicConfigValue]:
        """Give what differs from the defaults of the table."""
        found: list[DynamicConfigValue] = []
        if self.width:
            found.append(DynamicConfigValue("custom.width", self.width))
        if self.unit:
            found.append(DynamicConfigValue("unit", self.unit))
        if self.mapping:
            cell = {"type": "color-background", "mode": "basic"}
            found.append(DynamicConfigValue("mappings", [self.mapping]))
            found.append(DynamicConfigValue("custom.cellOptions", cell))
        if self.color:
            found.append(
                DynamicConfigValue("thresholds", thresholds("text", (1, self.color)).build())
            )
            found.append(DynamicConfigValue("custom.cellOptions", {"type": "color-text"}))
        if self.wrap:
            wrapped = {"type": "auto", "wrapText": True}
            found.append(DynamicConfigValue("custom.cellOptions", wrapped))
            found.append(DynamicConfigValue("custom.wrapText", True))
        if self.url:
            link = {"title": "Show this pane over time", "url": self.url, "targetBlank": False}
            found.append(DynamicConfigValue("links", [link]))
        return found


PANE_COLUMNS = (
    Column("instance", "Host", 170),
    Column("server", "Server", 100),
    Column("session", "Session", 130, url=PANE_LINK),
    Column("window", "Window", 80),
    Column("pane", "Pane", 70),
)
"""What names a pane; the session leads to the pane's page."""


def listing(
    title: str,
    description: str,
    queries: Sequence[str],
    columns: Sequence[Column],
    *,
    sort: tuple[str, bool] | None = None,
    none: str = "no data",
    unit: str = units.NoUnit,
) -> table.Panel:
    """Build a table; queries that give the same labels fill the same row.

    Args:
        title: heading.
        description: what it shows and what to do about it.
        queries: asked for the end of the time range; their values are the fields
            ``Value #A``, ``Value #B``, and so on.
        columns: shown in this order; fields without a column are left out.
        sort: a heading, and whether its greatest value comes first.
        none: what stands there when there is no row.
        unit: unit of columns that have none of their own.
    """
    value = "Value #{}" if len(queries) > 1 else "Value"
    fields = {column.field.replace("Value #A", value.format("A")): column for column in columns}
    transformations = [
        DataTransformerConfig("merge", options={}),
        DataTransformerConfig("filterFieldsByName", options={"include": {"names": list(fields)}}),
        DataTransformerConfig(
            "organize",
            options={
                "indexByName": {name: index for index, name in enumerate(fields)},
                "renameByName": {name: column.title for name, column in fields.items()},
                "excludeByName": {},
                "includeByName": {},
            },
        ),
    ]
    panel = (
        table.Panel()
        .title(title)
        .description(description)
        .datasource(DATASOURCE)
        .unit(unit)
        .no_value(none)
        .show_header(True)
        .cell_height(options.TableCellHeight.SM)
        .footer(common.TableFooterOptions().show(False).reducer(["sum"]).enable_pagination(False))
        .align(options.FieldTextAlignment.LEFT)
        .override_by_regexp(".*", [DynamicConfigValue("noValue", "")])
        .transformations(transformations)
    )
    for ref_id, expr in zip(REF_IDS, queries, strict=False):
        panel = panel.with_target(Query(expr).target(ref_id, table=True))
    for column in columns:
        properties = column.properties()
        if properties:
            panel = panel.override_by_name(column.title, properties)
    if sort:
        order = common.TableSortByFieldState().display_name(sort[0]).desc(sort[1])
        panel = panel.sort_by([order])
    return panel
