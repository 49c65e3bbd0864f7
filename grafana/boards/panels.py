"""The kinds of panels the dashboards are made of, each in the house style."""

from collections.abc import Callable, Iterable, Sequence

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    dashboard,
    stat,
    statetimeline,
    timeseries,
)
from grafana_foundation_sdk.models import common as options
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import (
    DynamicConfigValue,
    FieldColorModeId,
    Threshold,
    ThresholdsMode,
    ValueMapping,
)

from boards.queries import DATASOURCE, Query
from boards.states import BLUE, GREEN, State, code_mapping

LINES_PER_SECOND = "suffix: lines/s"
"""A unit that Grafana does not have."""

PER_HOUR = "suffix: /h"
"""Another one, for what happens a few times an hour."""

QUIET = "rgba(128, 136, 146, 0.25)"
"""Ground of a tile that is no news."""

REF_IDS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def thresholds(base: str, *above: tuple[float, str]) -> dashboard.ThresholdsConfig:
    """Build thresholds: a colour, and the values from which others take over."""
    first = Threshold(value=None, color=base)
    rest = [Threshold(value=value, color=color) for value, color in above]
    return dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps([first, *rest])


def graph(
    title: str,
    description: str,
    queries: Sequence[Query],
    unit: str,
    *,
    area: bool = False,
    bars: bool = False,
    beside: bool = False,
    calcs: Sequence[str] = ("lastNotNull", "max"),
    limit: tuple[float, str] | None = None,
    decimals: int | None = None,
    colors: Iterable[State] = (),
    log: bool = False,
    none: str = "",
) -> timeseries.Panel:
    """Build a graph over time that starts at 0, or that has a logarithmic axis.

    Args:
        title: heading.
        description: what it shows and what to do about it.
        queries: what it draws.
        unit: unit of the values, in Grafana's words.
        area: stack the series as areas.
        bars: stack the series as bars, for counts of rare events.
        beside: put the legend beside the graph, for many series.
        calcs: what the legend tells of each series.
        limit: a value from which the graph is marked in a colour.
        decimals: digits after the point.
        colors: states that are drawn in their colours, for series named after them.
        log: give each power of ten the same height, for values from moments to days.
        none: what stands there when there is nothing to draw.
    """
    stacked = area or bars
    legend = (
        common.VizLegendOptions()
        .show_legend(True)
        .display_mode(options.LegendDisplayMode.TABLE if beside else options.LegendDisplayMode.LIST)
        .placement(options.LegendPlacement.RIGHT if beside else options.LegendPlacement.BOTTOM)
        .calcs(list(calcs))
    )
    if beside:
        legend = legend.sort_by("Last *").sort_desc(True)
    panel = (
        timeseries.Panel()
        .title(title)
        .description(description)
        .datasource(DATASOURCE)
        .unit(unit)
        .color_scheme(dashboard.FieldColor().mode(FieldColorModeId.PALETTE_CLASSIC))
        .draw_style(options.GraphDrawStyle.BARS if bars else options.GraphDrawStyle.LINE)
        .line_interpolation(options.LineInterpolation.LINEAR)
        .line_width(1)
        .fill_opacity(75 if stacked else 6)
        .show_points(options.VisibilityMode.NEVER)
        .stacking(
            common.StackingConfig()
            .mode(options.StackingMode.NORMAL if stacked else options.StackingMode.NONE)
            .group("A")
        )
        .legend(legend)
        .tooltip(
            common.VizTooltipOptions()
            .mode(options.TooltipDisplayMode.MULTI)
            .sort(options.SortOrder.DESCENDING)
        )
    )
    for ref_id, query in zip(REF_IDS, queries, strict=False):
        panel = panel.with_target(query.target(ref_id))
    if limit:
        style = common.GraphThresholdsStyleConfig().mode(options.GraphThresholdsStyleMode.DASHED)
        panel = panel.thresholds(thresholds("transparent", limit)).thresholds_style(style)
    if log:
        scale = common.ScaleDistributionConfig().type(options.ScaleDistribution.LOG).log(10)
        panel = panel.scale_distribution(scale)
    else:
        panel = panel.min(0)
    if bars:
        panel = panel.axis_soft_max(1)
    if decimals is not None:
        panel = panel.decimals(decimals)
    if none:
        panel = panel.no_value(none)
    for state in colors:
        fixed = DynamicConfigValue("color", {"mode": "fixed", "fixedColor": state.color})
        panel = panel.override_by_name(state.text, [fixed])
    return panel


def tiles(
    title: str,
    description: str,
    queries: Sequence[Query],
    unit: str = units.Short,
    *,
    color: dashboard.ThresholdsConfig | None = None,
    mapping: ValueMapping | None = None,
    colors: dict[str, str] | None = None,
    decimals: int | None = None,
    none: str = "no data",
) -> stat.Panel:
    """Build tiles that each show one value of now, on a coloured ground.

    Args:
        title: heading.
        description: what it shows and what to do about it.
        queries: what it shows; each series is a tile.
        unit: unit of the values, in Grafana's words.
        color: which values have which colour.
        mapping: texts and colours of values.
        colors: for tiles by name, the colour from 1 up; 0 stays quiet.
        decimals: digits after the point.
        none: what stands there when there is no series.
    """
    panel = (
        stat.Panel()
        .title(title)
        .description(description)
        .datasource(DATASOURCE)
        .unit(unit)
        .no_value(none)
        .thresholds(color or thresholds(QUIET))
        .color_mode(options.BigValueColorMode.BACKGROUND_SOLID)
        .graph_mode(options.BigValueGraphMode.NONE)
        .justify_mode(options.BigValueJustifyMode.CENTER)
        .text_mode(options.BigValueTextMode.VALUE_AND_NAME)
        .orientation(options.VizOrientation.AUTO)
        .text(common.VizTextDisplayOptions().title_size(14).value_size(22))
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
    )
    if mapping:
        panel = panel.mappings([mapping])
    if decimals is not None:
        panel = panel.decimals(decimals)
    for name, lit in (colors or {}).items():
        value = thresholds(QUIET, (1, lit)).build()
        panel = panel.override_by_name(name, [DynamicConfigValue("thresholds", value)])
    for ref_id, query in zip(REF_IDS, queries, strict=False):
        panel = panel.with_target(query.target(ref_id))
    return panel


def state_tiles(
    title: str, description: str, states: Sequence[State], ask: Callable[[State], str], *, none: str
) -> stat.Panel:
    """Build a tile for each state, with how many things are in it; ``ask`` selects these."""
    return tiles(
        title,
        description,
        [Query(f"sum({ask(state)})", legend=state.text, instant=True) for state in states],
        colors={state.text: state.color for state in states},
        none=none,
    )


def ranking(
    title: str,
    description: str,
    query: Query,
    unit: str,
    *,
    color: dashboard.ThresholdsConfig | None = None,
    decimals: int | None = None,
) -> bargauge.Panel:
    """Build horizontal bars, one for each series of an instant query, longest first.

    Args:
        title: heading.
        description: what it shows and what to do about it.
        query: what it shows; sorted by the query.
        unit: unit of the values, in Grafana's words.
        color: which values have which colour.
        decimals: digits after the point.
    """
    panel = (
        bargauge.Panel()
        .title(title)
        .description(description)
        .datasource(DATASOURCE)
        .unit(unit)
        .min(0)
        .thresholds(color or thresholds(BLUE))
        .display_mode(options.BarGaugeDisplayMode.BASIC)
        .value_mode(options.BarGaugeValueMode.TEXT)
        .name_placement(options.BarGaugeNamePlacement.TOP)
        .orientation(options.VizOrientation.HORIZONTAL)
        .show_unfilled(True)
        .sizing(options.BarGaugeSizing.AUTO)
        .text(common.VizTextDisplayOptions().title_size(13).value_size(14))
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
        .with_target(query.target("A"))
    )
    return panel if decimals is None else panel.decimals(decimals)


def timeline(
    title: str,
    description: str,
    query: Query,
    states: Iterable[State],
    *,
    rows_per_page: int = 25,
) -> statetimeline.Panel:
    """Build one row of coloured stretches for each series of state codes.

    Args:
        title: heading.
        description: what it shows and what to do about it.
        query: gives the codes.
        states: texts and colours of the codes.
        rows_per_page: rows shown before the panel turns a page.
    """
    return (
        statetimeline.Panel()
        .title(title)
        .description(description)
        .datasource(DATASOURCE)
        .unit(units.NoUnit)
        .color_scheme(dashboard.FieldColor().mode(FieldColorModeId.THRESHOLDS))
        .thresholds(thresholds(GREEN))
        .mappings([code_mapping(states)])
        .merge_values(True)
        .show_value(options.VisibilityMode.AUTO)
        .align_value(options.TimelineValueAlignment.LEFT)
        .row_height(0.85)
        .line_width(0)
        .fill_opacity(90)
        .per_page(rows_per_page)
        .legend(
            common.VizLegendOptions()
            .show_legend(True)
            .display_mode(options.LegendDisplayMode.LIST)
            .placement(options.LegendPlacement.BOTTOM)
        )
        .tooltip(common.VizTooltipOptions().mode(options.TooltipDisplayMode.SINGLE))
        .with_target(query.target("A"))
    )
