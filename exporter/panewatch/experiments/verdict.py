"""How a search goes: go on, mend something, start again, or the goal is reached."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from panewatch.experiments.contract import REASONS
from panewatch.experiments.figures import Figures
from panewatch.experiments.settings import ExperimentsSettings, VerdictSettings

_LEAST_ENDED: Final = 5
"""Ended experiments from which on a share of timeouts means something."""

_LEAST_LEFT_OUT: Final = 3
"""Items that make no experiment from which on it may be the settings that do not fit them."""

_FRESH: Final = 5
"""A best that is among so many of the newest results is a sign that the search gets on, and as
many that are one value are a sign that it does not."""

_MBPS: Final = 1e6


ADVICE: Final = {
    "waiting": "Wait.",
    "early": "Wait.",
    "improving": "Go on.",
    "varied": "Go on, and look again.",
    "goal": "Back it up, and check its quality.",
    "identical": "Purge and start again.",
    "only_timeouts": "Allow more time or give a smaller task, then purge and start again.",
    "worse_than_worst": "This is no better than doing nothing. Purge and start again.",
    "left_out": "Look at experiments.item: does it say where in them what stands?",
    "identical_early": "Look whether the generated code is executed at all.",
    "validation_failures": "Look at why, and say it in the prompt.",
    "repeated_error": "Mend its cause: it does not go away by itself.",
    "interventions": "Mend what they had to do by hand.",
    "timeouts": "Allow more time, or look for code that hangs.",
    "no_progress": "Change the approach.",
    "rising": "Look at what has changed since the best one.",
}
"""What to do, for each reason."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict on a search.

    Attributes:
        verdict: One of `contract.VERDICTS`.
        reason: One of `contract.REASONS`.
        detail: A sentence or two with the numbers, and what to do about them.
    """

    verdict: str
    reason: str
    detail: str


def judge(figures: Figures, settings: ExperimentsSettings) -> Verdict:
    """Return the verdict on a search by its figures, and by nothing else.

    Of several reasons the first counts. *restart* comes first: what has shown that results mean
    nothing makes a goal that they reach worth nothing either. *reached* comes before *fix*, as
    nobody has to mend a search that is over. Of the reasons to *fix* those come first that say
    what is broken, and those last that follow from them.
    """
    for find in (_find_restart, _find_reached, _find_fix, _find_continue):
        for reason, evidence in find(figures, settings.verdict):
            return Verdict(REASONS[reason], reason, f"{evidence} {ADVICE[reason]}")
    raise AssertionError("a search that nothing else is said of goes on")


def say_bitrate(bits_per_second: float) -> str:
    """Return a bitrate as people read it."""
    return f"{bits_per_second / _MBPS:.6g} Mbps"


def say_count(number: int, what: str) -> str:
    """Return ``1 result``, or ``2 results``."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _find_restart(figures: Figures, limits: VerdictSettings) -> Iterator[tuple[str, str]]:
    best = figures.best
    if best is None:
        timeouts = figures.statuses["timeout"]
        # What is left out may have completed.
        if timeouts >= limits.timeouts_restart and not _is_mostly_left_out(figures):
            ended = say_count(figures.ended, "experiment")
            yield "only_timeouts", f"{ended} ended, {timeouts} by a timeout, none with a result."
        return
    results = say_count(figures.results, "result")
    alike = f"{results}, all {say_bitrate(best)}"
    if figures.same == figures.results >= limits.identical_restart:
        goal = ", below the goal and yet no proof" if _is_reached(best, limits) else ""
        yield "identical", f"{alike}{goal}: the generated code is probably not executed."
    if figures.results >= limits.worst_after and best > limits.worst_mbps * _MBPS:
        told = alike if figures.unique == 1 else f"{results}, the best {say_bitrate(best)}"
        yield "worse_than_worst", f"{told}, above {limits.worst_mbps:.6g} Mbps."


def _find_reached(figures: Figures, limits: VerdictSettings) -> Iterator[tuple[str, str]]:
    if figures.best is not None and _is_reached(figures.best, limits):
        goal = f"below the goal of {limits.goal_mbps:.6g} Mbps"
        results = say_count(figures.results, "result")
        yield "goal", f"{results}, the best {say_bitrate(figures.best)}, {goal}."


def _find_fix(figures: Figures, limits: VerdictSettings) -> Iterator[tuple[str, str]]:
    recent = f"of the newest {figures.judged} that ended"
    if _is_mostly_left_out(figures):
        items = figures.total + figures.left_out
        yield "left_out", f"{figures.left_out} of {items} items make no experiment."
    if figures.validation_failures >= limits.validation_failures:
        yield (
            "validation_failures",
            f"Code was refused {_times(figures.validation_failures)}, up to now.",
        )
    if figures.repeated_error >= limits.repeated_errors:
        yield (
            "repeated_error",
            f"{figures.repeated_error} {recent} failed by one and the same error.",
        )
    if figures.latest is not None and _is_stuck(figures, limits):
        whole = figures.same == figures.results
        which = "all" if whole else f"the newest {figures.same} of them all"
        results = say_count(figures.results, "result")
        yield "identical_early", f"{results}, {which} {say_bitrate(figures.latest)}."
    ratio = figures.timeout_ratio
    if ratio is not None and figures.judged >= _LEAST_ENDED and ratio > limits.timeout_ratio:
        share = f"more than {limits.timeout_ratio * 100:.6g} %"
        yield "timeouts", f"{figures.timeouts} {recent} ran into a timeout, {share}."
    if figures.interventions >= limits.interventions:
        yield "interventions", f"A person had to step in {_times(figures.interventions)} of late."
    best = figures.best
    hopeless = best is None or best >= limits.baseline_mbps * _MBPS
    if figures.ended >= limits.no_progress_after and hopeless:
        found = "none with a result" if best is None else f"the best with {say_bitrate(best)}"
        least = f"not below the {limits.baseline_mbps:.6g} Mbps that are known to be possible"
        yield "no_progress", f"{say_count(figures.ended, 'experiment')} ended, {found}, {least}."
    if figures.direction > 0:
        by = f", by {say_bitrate(figures.trend)} from one to the next" if figures.trend else ""
        yield "rising", f"The newest results rise{by}, and they should fall."


def _find_continue(figures: Figures, limits: VerdictSettings) -> Iterator[tuple[str, str]]:
    best = figures.best
    if best is None or figures.since_best is None:
        yield "waiting", f"{say_count(figures.total, 'experiment')} so far, none with a result."
        return
    so_far = f"{say_count(figures.results, 'result')}, the best {say_bitrate(best)}"
    if figures.results < limits.identical_early:
        yield "early", f"{so_far}: too few to judge."
    falling = figures.direction < 0 and figures.same < _FRESH
    # Until something was better than the first result, that is the best of all.
    bettered = figures.since_best < min(_FRESH, figures.results - 1)
    if bettered or falling:
        yield "improving", f"{so_far}, and they get better."
    stand = f"the newest {figures.since_best} no better"
    yield "varied", f"{so_far}, {figures.unique} of them different, {stand}."


def _is_reached(best: float, limits: VerdictSettings) -> bool:
    return best < limits.goal_mbps * _MBPS


def _is_mostly_left_out(figures: Figures) -> bool:
    return figures.left_out >= _LEAST_LEFT_OUT and figures.left_out > figures.total


def _is_stuck(figures: Figures, limits: VerdictSettings) -> bool:
    """Tell whether all results are one value, or the newest are although others differ.

    Where earlier ones differ, some that are alike can be chance or the end of a good search: it
    takes as many of them as would condemn a whole one.
    """
    whole = figures.same == figures.results
    return figures.same >= (limits.identical_early if whole else limits.identical_restart)


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"
