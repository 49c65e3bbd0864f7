"""What is kept of open incidents over a restart: ids, digests, counts and times, and no text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from itertools import islice
from typing import Annotated, Final, Literal, NamedTuple, TypeAlias

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from panewatch.errors.attempts import Attempt
from panewatch.errors.digest import LENGTH, digest
from panewatch.errors.incident import Incident
from panewatch.errors.rule import Rule, Severity
from panewatch.panes.model import Frame, PaneKey

VERSION: Final = 2
"""The first one did not tell tmux servers apart, and is not read."""

_MOST_PER_PANE: Final = 16
_MOST_PANES: Final = 2000
_GONE: Final = -2
"""The run of an incident whose command is not the one that goes on."""

_STRICT: Final = ConfigDict(strict=True, extra="forbid")

_Time: TypeAlias = Annotated[float, Field(ge=0, le=1e11, allow_inf_nan=False)]
_Number: TypeAlias = Annotated[int, Field(ge=0, le=2**63)]
_Digest: TypeAlias = Annotated[str, Field(pattern=rf"^([0-9a-f]{{{LENGTH}}})?$")]
_Id: TypeAlias = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]


class KeptKey(NamedTuple):
    """A pane among those of all servers.

    Two servers in containers may have the same process id, start and pane ids: ``server``
    stands for the name of the one.
    """

    server: str
    pane: PaneKey


class NotKeptError(Exception):
    """A content that is none of ours; ``newer`` tells that a later panewatch wrote it."""

    def __init__(self, *, newer: bool = False) -> None:
        super().__init__()
        self.newer = newer


@dataclass(frozen=True, slots=True, config=_STRICT)
class KeptAttempt:
    """A command line: an :class:`Attempt`."""

    line: _Digest
    squeezed: _Digest
    stem: _Digest
    one_off: Annotated[str, Field(pattern=r"^[A-Za-z]{0,16}$")]


@dataclass(frozen=True, slots=True, config=_STRICT)
class KeptIncident:
    """An open incident.

    ``opened`` and ``seen`` are Unix times. ``judged`` is the severity that its rule had.
    ``here`` and ``began_here`` tell that the command it was last seen in, and the one that it
    began in, are the one that the pane runs.
    """

    rule: _Id
    mark: _Digest
    judged: Severity
    worst: Severity
    opened: _Time
    seen: _Time
    count: _Number
    retrying: bool
    here: bool
    began_here: bool
    command: KeptAttempt
    origin: KeptAttempt


@dataclass(frozen=True, slots=True, config=_STRICT)
class KeptPane:
    """A pane with open incidents, oldest first; ``screen`` stands for what it showed."""

    server: _Digest
    server_pid: _Number
    server_start: _Number
    pane: Annotated[str, Field(pattern=r"^%[0-9]{1,18}$")]
    screen: _Digest
    incidents: Annotated[tuple[KeptIncident, ...], Field(max_length=_MOST_PER_PANE)]

    @property
    def key(self) -> KeptKey:
        """The pane."""
        return KeptKey(self.server, PaneKey(self.server_pid, self.server_start, self.pane))


@dataclass(frozen=True, slots=True, config=_STRICT)
class _Content:
    version: Literal[2]
    panes: Annotated[tuple[KeptPane, ...], Field(max_length=_MOST_PANES)]


@dataclass(frozen=True, slots=True)
class _AnyVersion:
    version: Annotated[int, Field(strict=True)]


_CONTENT: Final = TypeAdapter(_Content)
_ANY_VERSION: Final = TypeAdapter(_AnyVersion)


def keep(
    key: KeptKey, frame: Frame, incidents: Iterable[Incident], run: int, age: float
) -> KeptPane:
    """Return what is kept of a pane that runs the command ``run``.

    Args:
        key: The pane.
        frame: What it shows.
        incidents: Its open incidents; the most severe of them are kept.
        run: The run that its text belongs to now.
        age: Unix time less the monotonic one, now.
    """
    severest = sorted(incidents, key=lambda incident: incident.worst)
    kept = sorted(islice(severest, _MOST_PER_PANE), key=lambda incident: incident.opened)
    return KeptPane(
        key.server,
        *key.pane,
        screen=show(frame),
        incidents=tuple(
            KeptIncident(
                rule=incident.rule.id,
                mark=incident.mark,
                judged=incident.rule.severity,
                worst=incident.worst,
                opened=incident.opened_at,
                seen=incident.seen + age,
                count=incident.count,
                retrying=incident.retrying,
                here=incident.run == run,
                began_here=incident.began == run,
                command=KeptAttempt(*incident.command),
                origin=KeptAttempt(*incident.origin),
            )
            for incident in kept
        ),
    )


def revive(
    pane: KeptPane, rules: Mapping[str, Rule], numbers: Iterator[int], now: float, wall: float
) -> Iterator[Incident]:
    """Yield what was kept of a pane as it is at monotonic time ``now``, Unix time ``wall``.

    An incident whose rule is gone is gone with it. The lines and commands of the pane are
    counted anew, from 0.
    """
    for line, kept in enumerate(pane.incidents, start=-len(pane.incidents)):
        rule = rules.get(kept.rule)
        if rule is None or rule.kind != "error":
            continue
        incident = Incident(
            next(numbers), rule, (),
            # Where the clock was set back since, nothing has happened in the future.
            opened=now - max(0.0, wall - kept.opened),
            seen=now - max(0.0, wall - kept.seen),
            line=line,
            run=0 if kept.here else _GONE,
            worst=rule.severity if kept.worst == kept.judged else kept.worst,
            command=Attempt(**asdict(kept.command)),
            count=kept.count,
            retrying=kept.retrying,
            opened_at=min(kept.opened, wall),
        )  # fmt: skip
        incident.origin = Attempt(**asdict(kept.origin))
        incident.began = 0 if kept.began_here else _GONE
        incident.mark = kept.mark
        yield incident


def show(frame: Frame) -> str:
    """Return what stands for the text that a pane shows."""
    return digest("\n".join(frame.lines).rstrip())


def write(panes: Iterable[KeptPane]) -> bytes:
    """Return what is kept as the content of a file."""
    return _CONTENT.dump_json(_Content(VERSION, tuple(islice(panes, _MOST_PANES))))


def read(content: bytes) -> dict[KeptKey, KeptPane]:
    """Return what a file holds that was written by :func:`write`, all of it or nothing.

    Of what an earlier version wrote nothing is returned.

    Raises:
        NotKeptError: it is no such file.
    """
    try:
        version = _ANY_VERSION.validate_json(content).version
        if version > VERSION:
            raise NotKeptError(newer=True)
        if 0 < version < VERSION:
            return {}
        panes = _CONTENT.validate_json(content).panes
    except ValidationError:
        # What it complains of may be quoted, so nothing of it is told.
        raise NotKeptError from None
    return {pane.key: pane for pane in panes}
