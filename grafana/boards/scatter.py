"""A point for each thing, at a time that the thing itself has."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders import common, timeseries
from grafana_foundation_sdk.models import common as options
from grafana_foundation_sdk.models.dashboard import DataTransformerConfig, DynamicConfigValue

from boards.panels import REF_IDS, graph
from boards.queries import Query

STORED = "stored"


@dataclass(frozen=True)
class Mark:
    """What is drawn at the time of each thing: a point, or where ``line`` a line through all.

    ``expr`` has the labels of the query of times. Where ``unit`` is given the mark has an axis of
    its own on the right.
    """

    name: str
    expr: str
    color: str
    line: bool = False
    unit: str = ""

    def properties(self) -> list[DynamicConfigValue]:
        """Give what differs from the points of the panel."""
        found = [DynamicConfigValue("color", {"mode": "fixed", "fixedColor": self.color})]
        if self.line:
            found += [
                DynamicConfigValue("custom.drawStyle", options.GraphDrawStyle.LINE),
                DynamicConfigValue("custom.lineStyle", {"fill": "dash", "dash": [10, 10]}),
            ]
        if self.unit:
            found += [
                DynamicConfigValue("unit", self.unit),
                DynamicConfigValue("custom.axisPlacement", options.AxisPlacement.RIGHT),
            ]
        return found


def scatter(
    title: str,
    description: str,
    times: str,
    marks: Sequence[Mark],
    unit: str,
    *,
    from_zero: bool = True,
    none: str = "",
) -> timeseries.Panel:
    """Build a graph whose points stand where their own times are, not those of the samples.

    Prometheus gives times as values. They are made the field of time of a table with a row for
    each thing, which such a panel draws like any other series; those out of the time range of the
    page are not shown.

    Args:
        title: heading.
        description: what it shows and what to do about it.
        times: gives the Unix time of each thing, in seconds.
        marks: what is drawn there.
        unit: unit of the values, in Grafana's words.
        from_zero: begin the axes at 0, not near the least value.
        none: what is said where there is nothing to draw.
    """
    queries = {STORED: f"1000 * {times}"} | {mark.name: mark.expr for mark in marks}
    panel = (
        graph(title, description, [], unit, calcs=(), log=not from_zero, none=none)
        .scale_distribution(common.ScaleDistributionConfig().type(options.ScaleDistribution.LINEAR))
        .draw_style(options.GraphDrawStyle.POINTS)
        .point_size(7)
        .fill_opacity(0)
        .transformations(_make_times(queries))
    )
    for ref_id, (name, expr) in zip(REF_IDS, queries.items(), strict=False):
        panel = panel.with_target(Query(expr, legend=name).target(ref_id, table=True))
    for mark in marks:
        panel = panel.override_by_name(mark.name, mark.properties())
    return panel


def _make_times(queries: Mapping[str, str]) -> list[DataTransformerConfig]:
    """Make one table of the answers, and its first column the time."""
    fields = [f"Value #{ref_id}" for ref_id, _ in zip(REF_IDS, queries, strict=False)]
    return [
        DataTransformerConfig("merge", options={}),
        DataTransformerConfig("filterFieldsByName", options={"include": {"names": fields}}),
        DataTransformerConfig(
            "organize",
            options={
                "indexByName": {field: index for index, field in enumerate(fields)},
                "renameByName": dict(zip(fields, queries, strict=True)),
                "excludeByName": {},
                "includeByName": {},
            },
        ),
        DataTransformerConfig(
            "convertFieldType",
            options={
                "conversions": [{"targetField": STORED, "destinationType": "time"}],
                "fields": {},
            },
        ),
        DataTransformerConfig("sortBy", options={"sort": [{"field": STORED, "desc": False}]}),
    ]
