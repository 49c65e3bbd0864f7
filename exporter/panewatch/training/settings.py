"""How trainings are followed: settings."""

from __future__ import annotations

from pydantic import Field

from panewatch.settings_types import (
    Seconds,
    Section,
    Word,
    expects,
)


class TrainingSettings(Section):
    """How trainings are followed."""

    enabled: bool = Field(
        default=True, description="Whether panes are searched for the progress of trainings."
    )
    stalled_after: Seconds = Field(
        default=600.0,
        description="A run that has not moved on for this long, and for five of its usual pauses, "
        "is stalled.",
    )
    forget_after: Seconds = Field(
        default=86400.0,
        description="A run that has not moved on for this long is dropped, with its series.",
    )
    textfile_directory: Word | None = Field(
        default=None,
        description="Where callbacks write what they measure, for them and for the exporter; "
        "not set: `${XDG_STATE_HOME:-~/.local/state}/panewatch/training`.",
        pattern=r"^/",
        json_schema_extra=expects("an absolute path"),
    )
    textfile_expires_after: Seconds = Field(
        default=120.0,
        description="How long the series of a callback stay whose run has ended, or whose process "
        "cannot be seen from here and writes no more. Of one that was killed they go at once.",
    )
    profiles_directory: Word | None = Field(
        default=None,
        description="Where profilers leave traces, for them and for the exporter; not set: "
        "`${XDG_STATE_HOME:-~/.local/state}/panewatch/profiles`.",
        pattern=r"^/",
        json_schema_extra=expects("an absolute path"),
    )
    profiles_expire_after: Seconds = Field(
        default=86400.0, description="How long the last trace of a run is shown."
    )
