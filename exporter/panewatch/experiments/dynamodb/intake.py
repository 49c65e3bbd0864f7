"""Takes in the items of a table, and remembers what the next reading needs."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from panewatch.experiments.dynamodb.attributes import open_item
from panewatch.experiments.dynamodb.schema import Schema
from panewatch.experiments.dynamodb.time_key import shift
from panewatch.experiments.items.decoding import Decoder, write_key
from panewatch.experiments.items.paths import SkippedError
from panewatch.experiments.ledger import Reading
from panewatch.experiments.model import OPEN_STATUSES
from panewatch.experiments.settings import ItemSettings

_MOST_OPEN: Final = 200
"""Open experiments that are read again each time, the newest; the others with everything."""

_MOST_LEFT_OUT: Final = 10_000
"""Items that are known to be left out, so that none is counted each time it is read."""


class Open(NamedTuple):
    """An experiment that may still change: its time, and its primary key in the table."""

    time: float
    key: dict[str, Any]


class Newest(NamedTuple):
    """The newest experiment that is not ahead of the clock.

    Attributes:
        time: Its time, in Unix seconds.
        written: How that is written in the table.
        key: Its id.
        ended: Whether it has ended: such a one has no reason to go but a purge.
    """

    time: float
    written: Any
    key: str
    ended: bool

    def is_missed(self, found: set[str]) -> bool:
        """Tell whether it was deleted, and maybe more, as a reading did not come across it.

        Args:
            found: The ids of what was found from its time, or an earlier one, on.
        """
        return self.key not in found and (self.ended or not found)


class Intake:
    """What becomes of the items of one table.

    Args:
        settings: Where in an item what stands.
        schema: How items are told apart.
    """

    def __init__(self, settings: ItemSettings, schema: Schema) -> None:
        self._decoder = Decoder(settings, schema.keys)
        self._keys = schema.keys
        self._sort = None if schema.time is None else schema.time.sort
        self._may_repeat = settings.id is not None or not schema.keys
        self.newest: Newest | None = None
        self._newest_found: Newest | None = None
        """The newest since all began to be read: what is gone by then is none any more."""
        self.left_out: dict[str, str] = {}
        """Why items are left out that were read, by their keys."""
        self.open: dict[str, Open] = {}
        """Experiments that may still change, by their ids."""

    def take(
        self, attributes: dict[str, Any], reading: Reading, left_out: dict[str, str], now: float
    ) -> str:
        """Take an item in.

        Args:
            attributes: With their types.
            reading: What it is added to.
            left_out: What is left out of that, and why; by keys.
            now: Unix seconds.

        Returns:
            Its id; empty where it has none.
        """
        item = open_item(attributes)
        place = self._write_place(item)
        before = None if reading.everything else left_out.pop(place, None)
        if before is not None:
            reading.skipped[before] -= 1
        try:
            experiment = self._decoder.decode(item, now=now)
        except SkippedError as refused:
            self._leave_out(place, refused.reason, reading, left_out)
            key = self._decoder.find_key(item)
            if key and not reading.everything:
                reading.remove(key)
            self.open.pop(key, None)
            return key
        other = reading.find(experiment.id) if reading.everything and self._may_repeat else None
        if other is not None:
            self._leave_out(place, "duplicate", reading, left_out)
            if other.time > experiment.time:
                return experiment.id
        reading.add(experiment)
        self._remember(attributes, experiment.id, experiment.status, experiment.time, now)
        return experiment.id

    def begin_everything(self) -> None:
        """Say that everything begins to be read."""
        self._newest_found = None

    def finish_everything(self, left_out: dict[str, str]) -> None:
        """Say that everything was read, and what of it is left out, and why."""
        self.newest, self.left_out = self._newest_found, left_out

    def find_begin(self, until: float) -> tuple[bool, dict[str, str] | None]:
        """Return from which sort key on is read what came after a time.

        Args:
            until: Unix seconds; nothing older is to come.

        Returns:
            Whether that can be told, and the sort key; None for all, as nothing is known yet.
        """
        if self.newest is None:
            return True, None
        time, written = self.newest.time, self.newest.written
        begin = shift(written, time, min(time, until))
        return begin is not None, begin

    def _leave_out(
        self, place: str, reason: str, reading: Reading, left_out: dict[str, str]
    ) -> None:
        reading.skipped[reason] += 1
        if place and len(left_out) < _MOST_LEFT_OUT:
            left_out[place] = reason

    def _remember(
        self, attributes: dict[str, Any], key: str, status: str, time: float, now: float
    ) -> None:
        if self._sort is None:
            return
        if time <= now:
            this = Newest(time, attributes.get(self._sort), key, status not in OPEN_STATUSES)
            self.newest = _choose_newer(self.newest, this)
            self._newest_found = _choose_newer(self._newest_found, this)
        if status not in OPEN_STATUSES:
            self.open.pop(key, None)
            return
        self.open[key] = Open(time, {name: attributes.get(name) for name in self._keys})
        if len(self.open) >= 2 * _MOST_OPEN:
            newest = sorted(self.open.items(), key=lambda entry: entry[1].time)[-_MOST_OPEN:]
            self.open = dict(newest)

    def _write_place(self, item: dict[str, Any]) -> str:
        try:
            return write_key([item.get(name) for name in self._keys])
        except SkippedError:
            return ""


def _choose_newer(known: Newest | None, other: Newest) -> Newest:
    # What is told of one and the same again may be that it has ended.
    if known is None or other.time > known.time or other.key == known.key:
        return other
    return known
