"""What went wrong in the panes, what is still open, and what it costs."""

from grafana_foundation_sdk.builders import bargauge, stat, table, timeseries
from grafana_foundation_sdk.models import common as options
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard, DynamicConfigValue

from boards.events import events
from boards.incidents import SEVERITIES, open_counts, open_incidents, opened_by_severity
from boards.layout import PANE_VARIABLES, SERVER_VARIABLE, Row, Shelf, assemble, host_variables
from boards.panels import LINES_PER_SECOND, graph, ranking, thresholds, tiles
from boards.queries import (
    HOST,
    PANE,
    PANE_LABELS,
    PANE_OF_HOST,
    SERVER,
    Query,
    pane_value,
    quantile,
    select,
)
from boards.states import BLUE, GREEN, ORANGE, RED
from boards.tables import Column, listing

RECOVERY = "panewatch_incident_recovery_seconds"


def build() -> Dashboard:
    """Build the dashboard."""
    return assemble(
        "errors",
        "What went wrong in the panes, how bad it is, whether it is still open, how long it took "
        "to mend, and what costs time without being a failure.",
        [*host_variables(every_host=True), SERVER_VARIABLE, *PANE_VARIABLES],
        [
            Row(
                "Open now",
                [
                    Shelf(
                        4,
                        [(8, open_counts(PANE, list(SEVERITIES))), (8, _ends()), (8, _rules())],
                    ),
                    Shelf(
                        11,
                        [
                            (
                                24,
                                open_incidents(
                                    "What is open",
                                    PANE,
                                    list(SEVERITIES),
                                    "No incident is seen to be open.",
                                ),
                            )
                        ],
                    ),
                ],
            ),
            Row(
                "What went wrong",
                [
                    Shelf(8, [(12, opened_by_severity(PANE)), (12, _opened_by_category())]),
                    Shelf(8, [(12, _open_by_pane()), (12, _most_incidents())]),
                ],
            ),
            Row(
                "Recovery",
                [Shelf(9, [(8, _recovery_by_category()), (10, _recovery_times()), (6, _kept())])],
            ),
            Row(
                "Lines that look like errors",
                [
                    Shelf(8, [(12, _lines()), (12, _unclassified())]),
                    Shelf(12, [(8, _noise()), (16, _top_rules())]),
                ],
            ),
            Row(
                "Friction",
                [Shelf(9, [(8, _friction()), (8, _friction_by_pane()), (8, _transfers())])],
            ),
        ],
        since="now-6h",
    )


def _ends() -> stat.Panel:
    ended = select("panewatch_incidents_resolved_total", SERVER)
    return tiles(
        "How incidents ended, in this time range",
        "Success: what failed worked afterwards. Quiet: it was not seen again for quiet_after "
        "while the pane went on. End: its pane was closed. Refuted: the command that printed it "
        "ended well, so it was none. Many that end quiet were given up or "
        "mended elsewhere.",
        [
            Query(
                f"round(sum by (outcome) (increase({ended}[$__range])))",
                legend="{{outcome}}",
                instant=True,
            )
        ],
        colors={"success": GREEN},
        none="none seen",
    )


def _rules() -> stat.Panel:
    return tiles(
        "Rules in use",
        "How many rules of each kind panewatch goes by, least of the chosen hosts. A host that "
        "has fewer than you expect did not load your packs: run `panewatch check-config` there.",
        [
            Query(
                f"min by (kind) ({select('panewatch_rules', HOST)})",
                legend="{{kind}}",
                instant=True,
            )
        ],
        none="none seen",
    )


def _opened_by_category() -> timeseries.Panel:
    return events(
        "Incidents opened, by category",
        "What the incidents were about. One category that dominates is where to begin: network "
        "and quota are seldom the code's fault, dependency and filesystem are mended once. It "
        "counts all panes of the chosen servers, whichever panes are chosen.",
        "panewatch_incidents_total",
        SERVER,
        by="category",
        legend="{{category}}",
    )


def _open_by_pane() -> timeseries.Panel:
    is_open = select("panewatch_pane_incidents_open", PANE, severity=["P0", "P1"])
    return graph(
        "Open P0 and P1, by pane",
        "How many incidents of severity P0 and P1 each pane had open. A line that stays up is a "
        "pane that does not recover: look whether anybody works on it.",
        [
            Query(f"sum by ({PANE_LABELS}) ({is_open}) > 0", legend=PANE_OF_HOST),
            Query(f"sum({is_open}) == 0", legend="none open"),
        ],
        units.Short,
        beside=True,
        calcs=("lastNotNull", "max"),
        decimals=0,
    )


def _most_incidents() -> bargauge.Panel:
    opened = select("panewatch_pane_incidents_total", PANE, severity=["P0", "P1"])
    return ranking(
        "Panes with the most incidents, in this time range",
        "Incidents of severity P0 and P1 that were opened in each pane. The first is where help "
        "is worth most.",
        Query(
            f"topk(6, round(sum by ({PANE_LABELS}) (increase({opened}[$__range]))) > 0)",
            legend=PANE_OF_HOST,
            instant=True,
        ),
        units.Short,
        color=thresholds(ORANGE),
    )


def _recovery_by_category() -> table.Panel:
    count = select("panewatch_incident_recovery_seconds_count", SERVER)
    return listing(
        "Recovery by category, in this time range",
        "How long it took from the opening of an incident to the success that ended it: half of "
        "them took less than p50, nine of ten less than p90. Estimated from the buckets of a "
        "histogram.",
        [
            f"round(sum by (category) (increase({count}[$__range]))) > 0",
            quantile(0.5, RECOVERY, SERVER, "category", "$__range"),
            quantile(0.9, RECOVERY, SERVER, "category", "$__range"),
        ],
        [
            Column("category", "Category"),
            Column("Value #A", "Recovered", 100, unit=units.Short),
            Column("Value #B", "p50", 100, unit=units.Seconds),
            Column("Value #C", "p90", 100, unit=units.Seconds),
        ],
        sort=("p90", True),
        none="No incident ended by a success.",
    )


def _recovery_times() -> timeseries.Panel:
    buckets = select("panewatch_incident_recovery_seconds_bucket", SERVER)
    rate = f"sum by (le) (rate({buckets}[$__rate_interval]))"
    return graph(
        "Recovery time",
        "How long the incidents took that a success ended at that moment: a dot for each, the "
        "median and the ninth of ten where several ended together. Dots that climb mean that "
        "failures get harder to mend.",
        [
            Query(f"histogram_quantile({share}, {rate}) >= 0", legend=name)
            for name, share in (("p50", 0.5), ("p90", 0.9))
        ],
        units.Seconds,
        calcs=("mean", "max"),
    ).draw_style(options.GraphDrawStyle.POINTS)


def _lines() -> timeseries.Panel:
    counters = {
        "errors": "panewatch_pane_error_lines_total",
        "noise": "panewatch_pane_lines_noise_total",
        "no rule": "panewatch_pane_unclassified_lines_total",
    }
    return graph(
        "What the lines were",
        "Lines per second that look like errors. Errors: a rule took them. Noise: they look like "
        "errors and are none, such as `0 errors`, help, quotes and source code. No rule: nobody "
        "knows them, and they count for nothing.",
        [
            Query(f"sum(rate({select(counter, PANE)}[$__rate_interval]))", legend=name)
            for name, counter in counters.items()
        ],
        LINES_PER_SECOND,
        area=True,
    )


def _unclassified() -> timeseries.Panel:
    return events(
        "Lines that no rule knows",
        "Lines that look like errors and that no rule takes, by pane. They open no incident and "
        "fire no alert. Where they are many, record the pane and let `panewatch explain "
        "--unmatched` write the beginning of a rule.",
        "panewatch_pane_unclassified_lines_total",
        PANE,
        by=PANE_LABELS,
        legend=PANE_OF_HOST,
    )


def _noise() -> stat.Panel:
    def total(counter: str) -> str:
        return f"sum(increase({select(counter, PANE)}[$__range]))"

    noise, errors = (
        total(f"panewatch_pane_{name}_total") for name in ("lines_noise", "error_lines")
    )
    incidents = total("panewatch_pane_incidents_total")
    panel = tiles(
        "Noise removed, in this time range",
        "What a search for the word error would have shown: lines of errors and lines of noise, "
        "the share of noise in them, and the incidents that are left of it all.",
        [
            Query(f"round({errors})", legend="lines of errors", instant=True),
            Query(f"round({noise})", legend="lines of noise", instant=True),
            Query(f"{noise} / ({noise} + {errors}) >= 0", legend="share of noise", instant=True),
            Query(f"round({incidents})", legend="incidents", instant=True),
        ],
        none="none seen",
    )
    return panel.override_by_name("share of noise", [DynamicConfigValue("unit", units.PercentUnit)])


def _top_rules() -> bargauge.Panel:
    matches = select("panewatch_rule_matches_total", HOST)
    return ranking(
        "Rules that took the most lines, in this time range",
        "Lines that each rule took, of every kind, in all panes of the chosen hosts. A rule that "
        "is far ahead and tells you nothing can be set to another severity or switched off "
        "(errors.severity). The first line that a rule took since panewatch started is not among "
        "them.",
        Query(
            f"topk(8, round(sum by (rule) (increase({matches}[$__range]))) > 0)",
            legend="{{rule}}",
            instant=True,
        ),
        units.Short,
        color=thresholds(BLUE),
    )


def _kept() -> timeseries.Panel:
    return events(
        "Errors of the state file",
        "Times that the file could not be read or written which keeps open incidents over a "
        "restart. While they go on, a restart of panewatch forgets what is open.",
        "panewatch_state_file_errors_total",
        HOST,
        by="reason",
        legend="{{reason}}",
    )


def _friction() -> timeseries.Panel:
    return events(
        "Friction, by kind",
        "What is no failure and costs time: the same command or transfer again, connections that "
        "drop, long gaps without progress, jobs that are killed, restarted in a loop or retried.",
        "panewatch_friction_total",
        PANE,
        by="kind",
        legend="{{kind}}",
    )


def _friction_by_pane() -> bargauge.Panel:
    counter = select("panewatch_friction_total", PANE)
    return ranking(
        "Friction by pane and kind, in this time range",
        "Where friction was, and of which kind. Look at the first: a script that checks before "
        "it copies, or one longer timeout, often ends it.",
        Query(
            f"topk(6, round(sum by ({PANE_LABELS}, kind) (increase({counter}[$__range]))) > 0)",
            legend=f"{{{{kind}}}}: {PANE_OF_HOST}",
            instant=True,
        ),
        units.Short,
        color=thresholds(BLUE, (10, ORANGE), (50, RED)),
    )


def _transfers() -> timeseries.Panel:
    return graph(
        "Transfer rates",
        "The rate that the bar of scp, rsync, wget, curl and others shows in each pane. It has a "
        "hole where no transfer is shown; one that sinks to almost nothing is a connection that "
        "is about to drop.",
        [Query(pane_value("panewatch_transfer_bytes_per_second", PANE), legend=PANE_OF_HOST)],
        units.BytesPerSecondIEC,
    )
