"""How errors are told and forgotten: settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PrivateAttr

from panewatch.problems import Places
from panewatch.settings_types import (
    File,
    RuleId,
    Seconds,
    Section,
    Word,
    expects,
)

if TYPE_CHECKING:
    from panewatch.problems import Problem


def read_off(value: Any) -> Any:
    """Return ``"off"`` for False: that is what YAML makes of it where it has no quotes."""
    return "off" if value is False else value


class ErrorsSettings(Section):
    """How errors are recognised and when their incidents end."""

    packs: tuple[File, ...] = Field(
        default=(), description="Files of rules that are used besides the built-in ones."
    )
    severity: dict[
        RuleId, Annotated[Literal["P0", "P1", "P2", "off"], BeforeValidator(read_off)]
    ] = Field(
        default={},
        description="Other severities for some rules, e.g. {git-conflict: P2}; `off` drops one.",
    )
    prompts: tuple[
        Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\n]+$")], ...
    ] = Field(
        default=(),
        max_length=32,
        description="Expressions (RE2) of your own shell prompts, from the beginning of the line "
        "to where the command begins, e.g. `\\w+:\\S* >> `; those of the usual shapes are known.",
    )
    quiet_after: Seconds = Field(
        default=900.0,
        description="An incident that was not seen again for this long ends when its pane goes on.",
    )
    state_file: Annotated[Word, BeforeValidator(read_off)] | None = Field(
        default=None,
        description="Where open incidents are kept over a restart; `off`: nowhere. Not set: "
        "`incidents.json` in $STATE_DIRECTORY, else in /var/lib/panewatch where that is this "
        "user's, else in ${XDG_STATE_HOME:-~/.local/state}/panewatch.",
        pattern=r"^(/.*|off)$",
        json_schema_extra=expects("an absolute path, or `off`"),
    )
    _places: Places = PrivateAttr(default=Places())

    def model_post_init(self, context: Any, /) -> None:
        """Keep where the settings were written, given as the context of the validation."""
        if isinstance(context, Places):
            self._places = context

    def blame(self, where: tuple[str | int, ...], message: str) -> Problem:
        """Say that the setting at ``where`` in this section is wrong, and where it was written."""
        return self._places.find(("errors", *where), message)
