"""How a search for better code goes: its verdict, its results, its plan and its source."""

from grafana_foundation_sdk.builders import common, stat, timeseries
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.common import ScaleDistribution
from grafana_foundation_sdk.models.dashboard import Dashboard

from boards.bitrates import (
    best_over_time,
    bitrates,
    bitrates_now,
    newest,
    of_search,
    quality,
    spread,
    trend,
)
from boards.layout import Row, Shelf, assemble, host_variables
from boards.panels import PER_HOUR, graph, state_tiles, thresholds, tiles
from boards.queries import HOST, Query, select
from boards.states import BLUE, GREEN, ORANGE, PURPLE, RED, SLATE, State, value_mapping
from boards.verdicts import verdict_now, verdict_over_time

STATUSES = (
    State("completed", 1, "completed", GREEN),
    State("running", 2, "running", BLUE),
    State("failed", 3, "failed", RED),
    State("timeout", 4, "timeout", ORANGE),
    State("other", 5, "other", SLATE),
)
"""Every status of an experiment."""


def build() -> Dashboard:
    """Build the dashboard."""
    return assemble(
        "experiments",
        "Whether a search loop gets anywhere: the verdict on its results and why, bitrates against "
        "goal, baseline and plan, what goes wrong, and whether its source can be read.",
        host_variables(every_host=True),
        [
            Row(
                "How it goes",
                [
                    Shelf(
                        5, [(7, verdict_now()), (6, _counts()), (6, bitrates_now()), (5, _ages())]
                    ),
                    Shelf(4, [(24, verdict_over_time())]),
                ],
            ),
            Row(
                "Results",
                [
                    Shelf(10, [(14, bitrates()), (10, newest())]),
                    Shelf(8, [(8, best_over_time()), (8, trend()), (8, spread())]),
                ],
            ),
            Row("Plan", [Shelf(7, [(12, _plan()), (4, _ahead()), (8, _per_hour())])]),
            Row(
                "What goes wrong",
                [Shelf(7, [(8, _statuses()), (8, _timeouts()), (8, _trouble())])],
            ),
            Row("Quality", [Shelf(7, [(24, quality())])]),
            Row(
                "Where results are read",
                [Shelf(7, [(5, _source()), (9, _reading()), (10, _left_out())])],
            ),
        ],
        since="now-12h",
    )


def _counts() -> stat.Panel:
    return state_tiles(
        "Experiments",
        "How many experiments are in the source now, by status. Other: the settings know no such "
        "word; add it to `experiments.item.statuses`.",
        STATUSES,
        lambda status: select("panewatch_experiments", HOST, status=status.name),
        none="not read",
    )


def _ages() -> stat.Panel:
    return tiles(
        "How long ago",
        "When the search began, when its last result was stored, and when its source was last read "
        "whole. An hour without a result alerts; a source that was not read for some minutes is "
        "shown as it was then.",
        [
            Query(
                f"max(time() - {select(f'panewatch_experiments_{metric}_seconds', HOST)})",
                legend=name,
                instant=True,
            )
            for name, metric in (
                ("began", "started_timestamp"),
                ("last result", "last_completed_timestamp"),
                ("last read", "source_last_read_timestamp"),
            )
        ],
        units.Seconds,
        decimals=0,
    )


def _plan() -> timeseries.Panel:
    plan = "panewatch_experiments_plan"
    return graph(
        "Completed, and what the plan expects",
        "How many experiments have completed, between the least and the most that the plan expects "
        "by then. Below the least for a quarter of an hour it alerts; a fall is a purge.",
        [
            Query(
                f"sum by (instance) ({select('panewatch_experiments', HOST, status='completed')})",
                legend="completed {{instance}}",
            ),
            Query(f"max({select(plan, HOST, bound='least')})", legend="least"),
            Query(f"max({select(plan, HOST, bound='most')})", legend="most"),
        ],
        units.Short,
        decimals=0,
        calcs=("lastNotNull",),
    )


def _ahead() -> stat.Panel:
    ahead = select("panewatch:experiments_plan:ahead", HOST)
    return tiles(
        "Ahead of the plan",
        "How many more experiments have completed than the plan expects at most by now, or fewer "
        "than at least, below 0. 0 is as planned.",
        [Query(f"max by (instance) ({ahead})", legend="{{instance}}", instant=True)],
        color=thresholds(ORANGE, (0, GREEN)),
        decimals=0,
        none="no plan",
    )


def _per_hour() -> timeseries.Panel:
    completed = select("panewatch_experiments_completed_total", HOST)
    return graph(
        "Completed in an hour",
        "How many experiments were seen to complete in the hour before. Three to five at first and "
        "three and more later are as planned; 0 is a search that stands.",
        [
            Query(
                f"sum by (instance) (increase({completed}[1h]))",
                legend="{{instance}}",
            )
        ],
        PER_HOUR,
    )


def _statuses() -> timeseries.Panel:
    return graph(
        "Experiments by status",
        "How many experiments were in the source, by status. The green share should grow; bands of "
        "red and orange that grow as fast are time that is lost.",
        [
            Query(
                f"sum({select('panewatch_experiments', HOST, status=status.name)})",
                legend=status.text,
            )
            for status in STATUSES
        ],
        units.Short,
        area=True,
        calcs=("lastNotNull",),
        colors=STATUSES,
    )


def _timeouts() -> timeseries.Panel:
    return graph(
        "Share of timeouts",
        "The share of timeouts among the newest experiments that have ended. Above the dashed "
        "line, which is the default of `experiments.verdict.timeout_ratio`, it alerts.",
        [Query(of_search("panewatch_experiments_timeout_ratio"), legend="{{instance}}")],
        units.PercentUnit,
        limit=(0.2, ORANGE),
    ).axis_soft_max(0.4)


def _trouble() -> timeseries.Panel:
    return graph(
        "Errors, refusals and people",
        "How many of the newest experiments the same error ended, how often code was refused up to "
        "the last, and how often a person stepped in. Each that goes on is a reason to fix it.",
        [
            Query(of_search(f"panewatch_experiments_{metric}"), legend=name)
            for name, metric in (
                ("the same error", "repeated_error"),
                ("code refused", "validation_failures"),
                ("people stepped in", "human_interventions"),
            )
        ],
        units.Short,
        decimals=0,
        colors=(
            State("", 0, "the same error", RED),
            State("", 0, "code refused", ORANGE),
            State("", 0, "people stepped in", PURPLE),
        ),
    ).axis_soft_max(4)


def _source() -> stat.Panel:
    return tiles(
        "Source",
        "Whether the last reading of each source went well. Failing: what was read before is shown "
        "until it expires; run `panewatch diagnose` on the host.",
        [Query(of_search("panewatch_experiments_source_up"), legend="{{instance}}", instant=True)],
        units.NoUnit,
        mapping=value_mapping({"1": ("read", GREEN), "0": ("failing", RED)}),
        none="none set",
    )


def _reading() -> timeseries.Panel:
    def increase(metric: str) -> str:
        counter = select(f"panewatch_experiments_source_{metric}_total", HOST)
        return f"sum by (instance) (increase({counter}[1h]))"

    return graph(
        "What reading takes",
        "Items that were read in the hour before, and read capacity units that DynamoDB charged "
        "for them; files cost none. Where only what is new is read, both stay small however large "
        "the table is.",
        [
            Query(increase("items_read"), legend="items {{instance}}"),
            Query(increase("capacity_units"), legend="capacity units {{instance}}"),
        ],
        PER_HOUR,
        log=True,
    ).scale_distribution(
        # Unlike a plain logarithm it has a place for 0, which files cost.
        common.ScaleDistributionConfig().type(ScaleDistribution.SYMLOG).log(10).linear_threshold(1)
    )


def _left_out() -> timeseries.Panel:
    skipped = select("panewatch_experiments_source_items_skipped", HOST)
    failed = select("panewatch_experiments_source_failures_total", HOST)
    return graph(
        "Left out, and failed",
        "Items of the source that are left out, and readings that failed, by reason. Missing, "
        "type and number: the paths in `experiments.item` do not fit these items. Credentials and "
        "access: the user or role of panewatch may not read the table.",
        [
            Query(f"sum by (reason) ({skipped}) > 0", legend="left out: {{reason}}"),
            Query(
                f"sum by (reason) (increase({failed}[$__rate_interval])) > 0",
                legend="failed: {{reason}}",
            ),
            Query(
                f"sum({skipped}) == 0",
                legend="nothing left out",
            ),
        ],
        units.Short,
        calcs=("lastNotNull",),
    ).axis_soft_max(1)
