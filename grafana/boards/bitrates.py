"""What the experiments of a search have come to: their bitrates and their quality."""

from grafana_foundation_sdk.builders import common, stat, table, timeseries
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.common import ScaleDistribution
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue

from boards.panels import graph, tiles
from boards.queries import HOST, Query, select
from boards.scatter import Mark, scatter
from boards.states import BLUE, GREEN, ORANGE, PURPLE, SILVER, SLATE, State
from boards.tables import Column, listing

EXPERIMENT = "instance, experiment"
BITRATE = "panewatch_experiment_bitrate_bits_per_second"
TIME = "panewatch_experiment_timestamp_seconds"
GOAL = "panewatch_experiments_bitrate_goal_bits_per_second"
BASELINE = "panewatch_experiments_bitrate_baseline_bits_per_second"
PLAN = "panewatch_experiments_plan_bitrate_best_bits_per_second"

RESULTS = {"best": BLUE, "mean": SLATE, "latest": SILVER}
"""What all results come to, and its colour."""

LINES = (
    State("", 0, "baseline", ORANGE),
    State("", 0, "goal", GREEN),
    State("", 0, "plan", PURPLE),
)
"""What results are compared with, and the colour of each."""


def of_search(metric: str) -> str:
    """Ask for one value of the search that each exporter watches."""
    return f"max by (instance) ({select(metric, HOST)})"


def of_each(metric: str, **labels: str) -> str:
    """Ask for one value of each experiment."""
    return f"max by ({EXPERIMENT}) ({select(metric, HOST, **labels)})"


def _beside_each(metric: str) -> str:
    """Ask for a value of the search, once for each of its experiments."""
    return f"0 * {of_each(TIME)}\n+ on (instance) group_left () {of_search(metric)}"


def bitrates() -> timeseries.Panel:
    """Build the scatter of bitrates, with goal and baseline."""
    return scatter(
        "Bitrate of each experiment",
        "Each of the newest results at the time at which it was stored. They should fall from the "
        "baseline to the goal. Points in one line are one and the same value: then the code that "
        "was written is hardly executed. Choose one host, or the points of several are mixed.",
        of_each(TIME),
        [
            Mark("bitrate", of_each(BITRATE), BLUE),
            Mark("baseline", _beside_each(BASELINE), ORANGE, line=True),
            Mark("goal", _beside_each(GOAL), GREEN, line=True),
        ],
        units.BitsPerSecondSI,
    )


def newest() -> table.Panel:
    """Build the table of the newest experiments."""
    return listing(
        "Newest results",
        "The newest completed experiments with their bitrate and, where it was measured, the "
        "quality of the video. A bitrate far below all others with a poor quality is no progress.",
        [
            f"1000 * {of_each(TIME)}",
            of_each(BITRATE),
            of_each("panewatch_experiment_quality", measure="psnr"),
            of_each("panewatch_experiment_quality", measure="ssim"),
        ],
        [
            Column("experiment", "Experiment"),
            Column("Value #A", "Stored", 120, unit=units.DateTimeFromNow),
            Column("Value #B", "Bitrate", 100, unit=units.BitsPerSecondSI),
            Column("Value #C", "PSNR", 80, unit=units.Decibel),
            Column("Value #D", "SSIM", 70),
        ],
        sort=("Stored", True),
        none="No experiment has completed.",
    )


def bitrates_now() -> stat.Panel:
    """Build tiles of the best, the mean and the latest bitrate."""
    return tiles(
        "Bitrates",
        "The lowest bitrate of all completed experiments, their mean, and that of the last one. A "
        "mean that stays near the latest while the best stands is a search that goes in circles.",
        [
            Query(
                f"min({select(f'panewatch_experiments_bitrate_{name}_bits_per_second', HOST)})",
                legend=name,
                instant=True,
            )
            for name in RESULTS
        ],
        units.BitsPerSecondSI,
        none="no result",
    )


def best_over_time() -> timeseries.Panel:
    """Build the graph of the best, the mean and the latest over time, with what is expected."""
    panel = graph(
        "Best so far",
        "The best, the mean and the latest bitrate as the search went on, with the baseline and "
        "the goal, and below which the best should be by now. A best that is not below its plan "
        "for a quarter of an hour alerts.",
        [
            Query(
                of_search(f"panewatch_experiments_bitrate_{name}_bits_per_second"),
                legend=f"{name} {{{{instance}}}}",
            )
            for name in RESULTS
        ]
        + [
            Query(f"max({select(metric, HOST)})", legend=name)
            for name, metric in (("baseline", BASELINE), ("goal", GOAL), ("plan", PLAN))
        ],
        units.BitsPerSecondSI,
        calcs=(),
        colors=LINES,
    )
    for name, color in RESULTS.items():
        fixed = DynamicConfigValue("color", {"mode": "fixed", "fixedColor": color})
        panel = panel.override_by_regexp(f"^{name} .*", [fixed])
    return panel


def trend() -> timeseries.Panel:
    """Build the graph of the trend."""
    return graph(
        "Trend from one experiment to the next",
        "By how much the bitrate of the newest results rises with each experiment, by the median "
        "of all slopes, which one odd result does not move. Below 0 the search gets better; "
        "steadily above 0 it has lost its way.",
        [
            Query(
                of_search("panewatch_experiments_bitrate_trend_bits_per_second"),
                legend="{{instance}}",
            )
        ],
        units.BitsPerSecondSI,
        calcs=("lastNotNull",),
        limit=(0, ORANGE),
        log=True,
    ).scale_distribution(
        # Unlike other graphs it has no least value of 0.
        common.ScaleDistributionConfig().type(ScaleDistribution.LINEAR)
    )


def spread() -> timeseries.Panel:
    """Build the graph of how many values there are, and since when there was no better one."""
    return graph(
        "Different results, and how many since the best",
        "How many different bitrates there are, which should grow with the search: 1 for ten "
        "experiments means that nothing is tried. And how many have completed since the best one: "
        "a line that climbs for long is a search that has found what it can find.",
        [
            Query(of_search("panewatch_experiments_bitrate_unique"), legend="different"),
            Query(of_search("panewatch_experiments_since_best"), legend="since the best"),
        ],
        units.Short,
        decimals=0,
        calcs=("lastNotNull",),
    )


def quality() -> timeseries.Panel:
    """Build the scatter of PSNR and SSIM."""
    value = "panewatch_experiment_quality"
    return scatter(
        "Quality of each experiment",
        "PSNR (left axis) and SSIM (right axis, 1 is the same picture) of the newest results, "
        "where they were measured. A bitrate that falls together with them is bought with the "
        "quality of the video.",
        f"{of_each(TIME)}\nand {of_each(value)}",
        [
            Mark("PSNR", of_each(value, measure="psnr"), BLUE),
            Mark("SSIM", of_each(value, measure="ssim"), PURPLE, unit=units.Short),
        ],
        units.Decibel,
        from_zero=False,
        none="Neither PSNR nor SSIM was measured.",
    )
