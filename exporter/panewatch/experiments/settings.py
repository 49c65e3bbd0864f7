"""Where experiments are read, how, and by what they are judged: settings."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, model_validator

from panewatch.settings_types import Conflict, Seconds, Section, Word, expects, refuse

_PATH = r"^[^\[\].\s]+(\[[0-9]{1,4}\]|\.[^\[\].\s]+)*$"
_PATH_WORDS = expects("a path such as `status` or `experiments[0].real_metrics.bitrate_mbps`")

ItemPath = Annotated[str, Field(pattern=_PATH, max_length=256, json_schema_extra=_PATH_WORDS)]
"""Where a value stands in an item: names joined by dots, places in lists in brackets."""

Mbps = Annotated[float, Field(gt=0, le=1e6)]
Share = Annotated[float, Field(gt=0, lt=1)]


class DynamoDbSettings(Section):
    """How the table is read where the source is `dynamodb://TABLE`."""

    region: Word | None = Field(
        default=None, description="The region; not set: what the AWS settings of this user say."
    )
    endpoint: str | None = Field(
        default=None,
        description="Another address of the service, for example of DynamoDB Local.",
        pattern=r"^https?://[^\s/@]+/?$",
        json_schema_extra=expects("http://HOST:PORT or https://HOST, without user and path"),
    )
    profile: Word | None = Field(
        default=None, description="A profile in the AWS settings of this user."
    )
    role_arn: str | None = Field(
        default=None,
        description="A role to take on for reading.",
        pattern=r"^arn:[a-z-]+:iam::[0-9]{12}:role/\S+$",
        json_schema_extra=expects("the ARN of a role"),
    )
    time_index: Word | None = Field(
        default=None,
        description="A global secondary index whose sort key is the time, and whose partition key "
        "has the one value `time_partition`: with it only what is new is read.",
    )
    time_partition: Word | None = Field(
        default=None,
        description="The value of the partition key, of `time_index` or of the table itself, "
        "under which all experiments stand.",
    )
    full_read_every: Seconds = Field(
        default=6 * 3600.0,
        description="Where only what is new is read: how often everything is read all the same, to "
        "see what was deleted or changed.",
    )
    capacity_units_per_minute: float = Field(
        default=120.0,
        gt=0,
        le=1e6,
        description="Most read capacity units in a minute; a large table takes several minutes.",
    )

    @model_validator(mode="after")
    def _check_time_key(self) -> DynamoDbSettings:
        if self.time_index is not None and self.time_partition is None:
            keys = (("time_index",), ("time_partition",))
            refuse([Conflict(keys, "time_index needs time_partition")])
        return self


class StatusWords(Section):
    """The words that stand for a status, in small letters; any other word is `other`."""

    completed: tuple[Word, ...] = Field(
        default=("completed", "complete", "success", "succeeded", "done"),
        description="It ended with a result.",
    )
    running: tuple[Word, ...] = Field(
        default=("running", "started", "in_progress", "pending", "queued"),
        description="It has not ended.",
    )
    failed: tuple[Word, ...] = Field(
        default=("failed", "failure", "error", "validation_failed", "cancelled"),
        description="It ended without a result.",
    )
    timeout: tuple[Word, ...] = Field(
        default=("timeout", "timed_out", "timedout"),
        description="It was ended as it took too long.",
    )

    @model_validator(mode="after")
    def _each_once(self) -> StatusWords:
        first: dict[str, str] = {}
        refuse(
            Conflict(((name,),), f"`{word}` stands under {first[word]} too")
            for name in type(self).model_fields
            for word in getattr(self, name)
            if first.setdefault(word, name) != name
        )
        return self


class ItemSettings(Section):
    """Where in an item what stands. Text that holds JSON is looked into."""

    id: ItemPath | None = Field(
        default=None,
        description="Its key; not set: the primary key of the table, or `id` or `experiment_id` "
        "or else the place of the line in a file.",
    )
    status: ItemPath = Field(default="status", description="One of the words of `statuses`.")
    statuses: StatusWords = Field(default=StatusWords(), description="Which word means what.")
    time: ItemPath = Field(default="timestamp", description="When it was stored.")
    time_format: Literal["auto", "seconds", "milliseconds", "iso8601"] = Field(
        default="auto",
        description="How the time is written; `auto`: by what it looks like. A time without a zone "
        "is UTC.",
    )
    bitrate: ItemPath = Field(
        default="experiments[0].real_metrics.bitrate_mbps", description="The result."
    )
    bitrate_unit: Literal["bps", "kbps", "Mbps"] = Field(
        default="Mbps", description="The unit of `bitrate`."
    )
    psnr: ItemPath = Field(
        default="experiments[0].real_metrics.psnr_db", description="PSNR in decibels."
    )
    ssim: ItemPath = Field(
        default="experiments[0].real_metrics.ssim", description="SSIM, from 0 to 1."
    )
    validation_failures: ItemPath = Field(
        default="validation_failures",
        description="How often its code was refused: a number, a list of which each counts, or a "
        "text which counts as one.",
    )
    error: ItemPath = Field(
        default="error", description="The text of the error that ended it; never shown."
    )
    interventions: ItemPath = Field(
        default="human_interventions",
        description="How often a person stepped in, as for `validation_failures`; true is one.",
    )


class VerdictSettings(Section):
    """By what the search is judged."""

    goal_mbps: Mbps = Field(default=1.0, description="A best bitrate below this is the goal.")
    baseline_mbps: Mbps = Field(
        default=10.0, description="What is known to be possible: a search has to get below it."
    )
    worst_mbps: Mbps = Field(
        default=15.0, description="A best bitrate above this is no result of a search."
    )
    tolerance_ratio: Annotated[float, Field(ge=0, lt=1)] = Field(
        default=0.001,
        description="Bitrates that differ by no more than this part of the larger one are one "
        "value.",
    )
    identical_early: int = Field(
        default=3, ge=2, description="That many results, all one value: fix it."
    )
    identical_restart: int = Field(
        default=10, ge=2, description="That many results, all one value: start again."
    )
    timeouts_restart: int = Field(
        default=3, ge=1, description="That many timeouts and not one result: start again."
    )
    worst_after: int = Field(
        default=5, ge=1, description="Results after which the best must not be above `worst_mbps`."
    )
    no_progress_after: int = Field(
        default=10,
        ge=1,
        description="That many experiments have ended, and the best is not below the baseline: "
        "fix it.",
    )
    validation_failures: int = Field(
        default=3, ge=1, description="Refusals of code, one experiment after the other: fix it."
    )
    repeated_errors: int = Field(
        default=2, ge=2, description="That many experiments ended by the same error: fix it."
    )
    interventions: int = Field(
        default=2, ge=1, description="That often a person stepped in: fix it."
    )
    timeout_ratio: Share = Field(
        default=0.2,
        description="A larger share of timeouts, from five ended experiments on: fix it.",
    )
    recent: int = Field(
        default=20,
        ge=5,
        le=1000,
        description="The newest experiments by which trend, timeouts and repeated trouble are "
        "judged.",
    )

    @model_validator(mode="after")
    def _check_order(self) -> VerdictSettings:
        found = []
        if not self.goal_mbps < self.baseline_mbps <= self.worst_mbps:
            keys = (("goal_mbps",), ("baseline_mbps",), ("worst_mbps",))
            found.append(
                Conflict(keys, "goal_mbps has to be below baseline_mbps, and that not above "
                         "worst_mbps")
            )  # fmt: skip
        if self.identical_early > self.identical_restart:
            found.append(
                Conflict((("identical_early",), ("identical_restart",)),
                         "identical_early must not be above identical_restart")
            )  # fmt: skip
        refuse(found)
        return self


class PlanStage(Section):
    """What is expected of a search some hours after it began."""

    hours: float = Field(gt=0, le=24 * 30, description="Hours since its first experiment.")
    least: int = Field(ge=0, description="At least that many experiments have completed by then.")
    most: int = Field(ge=1, description="And usually at most that many.")
    best_mbps: Mbps | None = Field(
        default=None, description="The best bitrate is below this by then."
    )

    @model_validator(mode="after")
    def _check_order(self) -> PlanStage:
        if self.least > self.most:
            refuse([Conflict((("least",), ("most",)), "least must not be above most")])
        return self


class ExperimentsSettings(Section):
    """Where experiments are read, how, and by what they are judged."""

    source: str | None = Field(
        default=None,
        description="`dynamodb://TABLE`, or a file or directory of JSON lines (`*.jsonl`). Not "
        "set: no experiments are read.",
        pattern=r"^(dynamodb://[A-Za-z0-9_.-]{3,255}|/.+)$",
        json_schema_extra=expects("dynamodb://TABLE or the absolute path of a file or directory"),
    )
    dynamodb: DynamoDbSettings = Field(default=DynamoDbSettings())
    item: ItemSettings = Field(default=ItemSettings())
    verdict: VerdictSettings = Field(default=VerdictSettings())
    plan: tuple[PlanStage, ...] = Field(
        default=(
            PlanStage(hours=1, least=3, most=5, best_mbps=15),
            PlanStage(hours=2, least=6, most=10),
            PlanStage(hours=3, least=9, most=15, best_mbps=5),
            PlanStage(hours=6, least=16, most=30),
            PlanStage(hours=8, least=20, most=40),
        ),
        description="What is expected of a search, hour by hour; in between it rises evenly.",
    )
    newest: int = Field(
        default=50, ge=1, le=500, description="The newest experiments that have a series each."
    )
    expires_after: Seconds = Field(
        default=900.0,
        description="Where the source cannot be read, what was last read is shown for that long.",
    )

    @model_validator(mode="after")
    def _check_plan(self) -> ExperimentsSettings:
        told = "each stage has to be later than the one before, and expect no less"
        refuse(
            Conflict((("plan", number),), told)
            for number, (earlier, later) in enumerate(pairwise(self.plan), 1)
            if later.hours <= earlier.hours
            or later.least < earlier.least
            or later.most < earlier.most
        )
        return self
