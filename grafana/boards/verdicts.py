"""The verdict on a search, as both dashboards that show it do."""

from grafana_foundation_sdk.builders import common, stat, statetimeline
from grafana_foundation_sdk.models import units

from boards.panels import tiles, timeline
from boards.queries import HOST, Query, state_code
from boards.states import BLUE, GREEN, ORANGE, RED, SLATE, State, code_mapping

VERDICTS = {"restart": RED, "fix": ORANGE, "continue": GREEN, "reached": BLUE}
"""Every verdict and its colour."""

REASONS = (
    State("identical", 1, "restart: all results are one value", RED),
    State("only_timeouts", 2, "restart: nothing but timeouts", RED),
    State("worse_than_worst", 3, "restart: even the best is poor", RED),
    State("left_out", 4, "fix: most items make no experiment", ORANGE),
    State("validation_failures", 5, "fix: code is refused", ORANGE),
    State("repeated_error", 6, "fix: the same error again", ORANGE),
    State("identical_early", 7, "fix: the newest are one value", ORANGE),
    State("timeouts", 8, "fix: too many timeouts", ORANGE),
    State("interventions", 9, "fix: people have to step in", ORANGE),
    State("no_progress", 10, "fix: none below the baseline", ORANGE),
    State("rising", 11, "fix: results become worse", ORANGE),
    State("varied", 12, "continue: results vary", GREEN),
    State("improving", 13, "continue: results improve", GREEN),
    State("early", 14, "continue: too few to judge", SLATE),
    State("waiting", 15, "continue: no result yet", SLATE),
    State("goal", 16, "reached: below the goal", BLUE),
)
"""Every reason of a verdict, with the verdict, the gravest first."""

_CODE = state_code("panewatch_experiments_verdict", HOST, "instance", REASONS, label="reason")


def verdict_now() -> stat.Panel:
    """Build a tile for each host: the verdict on its search, and why."""
    return tiles(
        "Verdict",
        "What the results so far mean. Red, restart: they tell nothing; mend the cause, purge the "
        "table and start again. Orange, fix: mend this while the search goes on. Green: go on. "
        "Grey: wait. Blue: the goal is reached. `panewatch experiments verdict` tells the numbers.",
        [Query(f"{_CODE} > 0", legend="{{instance}}", instant=True)],
        units.NoUnit,
        mapping=code_mapping(REASONS),
        none="no experiments",
    ).text(common.VizTextDisplayOptions().title_size(14).value_size(24))


def verdict_over_time() -> statetimeline.Panel:
    """Build a row for each host: the verdicts on its search over time."""
    return timeline(
        "Verdict over time",
        "When the verdict was what, and why. A search that goes well becomes green after its first "
        "results and stays so; what was purged leaves a gap or begins anew in grey.",
        Query(f"{_CODE} > 0", legend="{{instance}}"),
        REASONS,
    )
