"""The states of panes and of tmux servers as numbers, names and colours.

A state timeline draws one number a row, while the exporter has one 0/1 series for
each state; ``queries.state_code`` folds the latter into the former.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from grafana_foundation_sdk.models.dashboard import ValueMap, ValueMapping, ValueMappingResult


@dataclass(frozen=True)
class State:
    """One state: its ``state`` label, the number and text it is shown as, its colour."""

    name: str
    code: int
    text: str
    color: str


GREEN, RED, ORANGE, PURPLE = "green", "red", "orange", "purple"
BLUE, SLATE, SILVER = "blue", "#6B7B8E", "#A5ADB8"

PANE_STATES = (
    State("waiting_input", 1, "waiting", PURPLE),
    State("stalled", 2, "stalled", ORANGE),
    State("dead", 3, "dead", RED),
    State("working", 4, "working", GREEN),
    State("finished", 5, "finished", BLUE),
    State("idle", 6, "idle", SLATE),
    State("unknown", 7, "unknown", SILVER),
)
"""Every state of a pane; those that need a person come first, in tables too."""

WAITS = {
    "permission": PURPLE,
    "question": "#B877D9",
    "password": RED,
    "confirm": ORANGE,
    "pager": SILVER,
}
"""With what a pane waits for a person, the most telling first, and the colours."""

ATTENTION = ("waiting_input", "stalled", "dead")
"""The states in which a pane gets no further without a person."""

SERVER_STATES = (
    State("up", 1, "up", GREEN),
    State("no_server", 2, "no server", SLATE),
    State("missing", 3, "socket missing", SLATE),
    State("permission", 4, "no permission", RED),
    State("refused", 5, "refused", RED),
    State("timeout", 6, "timeout", ORANGE),
    State("binary", 7, "no tmux binary", RED),
    State("error", 8, "error", RED),
)
"""Every state of a tmux server, as the last call to it ended."""

GPU_STATES = (
    State("up", 1, "up", GREEN),
    State("no_library", 2, "no driver installed", SLATE),
    State("no_driver", 3, "driver not loaded", SLATE),
    State("no_gpu", 4, "no GPU", SLATE),
    State("driver_mismatch", 5, "driver and library differ", RED),
    State("missing_symbol", 6, "driver too old", RED),
    State("timeout", 7, "driver hangs", ORANGE),
    State("lost", 8, "all lost", RED),
    State("error", 9, "error", RED),
)
"""Every state of the source of GPUs."""


def code_mapping(states: Iterable[State]) -> ValueMapping:
    """Show codes as the texts and colours of their states."""
    return value_mapping({str(s.code): (s.text, s.color) for s in states})


def value_mapping(results: dict[str, tuple[str, str]]) -> ValueMapping:
    """Show each value as a text in a colour."""
    return ValueMap(
        options={
            value: ValueMappingResult(text=text, color=color, index=index)
            for index, (value, (text, color)) in enumerate(results.items())
        }
    )
