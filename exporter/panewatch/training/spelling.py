"""How the values of a training are spelled: words on the screen → what they mean."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from panewatch import own_data

Words = tuple[str, ...]
_WHOLE: Final = frozenset(("epoch", "step", "loss", "val_loss"))
_SUFFIXES: Final = frozenset(("epoch", "step"))
"""What Lightning puts behind a name: over what its mean was taken."""


class Meaning(NamedTuple):
    """What a key means; of several keys with one meaning, the lowest ``rank`` wins.

    ``metric`` tells that it is another figure than those of `values.Name`: ``value`` is the name
    of that metric, empty where it is one that is not exported. ``split`` is what the key itself
    says of it, ``train`` or ``val``, else empty. ``sign`` tells that it speaks for a training.
    """

    value: str
    rank: int
    metric: bool = False
    split: str = ""
    sign: bool = False


class Spellings:
    """The words of ``spellings.yaml``, ready to be looked up."""

    def __init__(self) -> None:
        content = own_data.load_file("panewatch.training", "spellings.yaml")
        self._keys: dict[Words, Meaning] = {
            tuple(spelling.split()): Meaning(value, rank)
            for value, spellings in content["values"].items()
            for rank, spelling in enumerate(spellings)
        }
        self.names: dict[str, list[str]] = content["values"]
        self.metrics: dict[str, list[str]] = content["metrics"]
        self._metrics: dict[Words, str] = {
            tuple(spelling.split()): name
            for name, spellings in self.metrics.items()
            for spelling in spellings
        }
        self._no_sign = frozenset(content["no_sign"])
        self._other_metrics = frozenset(content["other_metrics"])
        self._same_metrics = frozenset(content["same_metrics"])
        self.splits: dict[str, str] = {
            word: split for split, words in content["splits"].items() for word in words
        }
        self._other_losses = frozenset(content["other_losses"])
        self._settings = frozenset(content["settings"])
        self.units: dict[str, str] = {
            unit: value for value, units in content["units"].items() for unit in units
        }
        self.not_training: Words = tuple(content["not_training"])
        self.not_train_split: Words = tuple(content["not_train_split"])
        self._longest = max(map(len, self._keys))
        self._longest_metric = max(map(len, self._metrics))
        self.look_up = lru_cache(maxsize=4096)(self._look_up)

    def _look_up(self, key: str) -> Meaning | None:
        """Return what the words before a number mean; None where that is nothing known."""
        tokens = key.lower().replace("'s ", " ").strip("'\"").split()
        words = [word for token in tokens for word in _split(token)]
        for length in range(min(self._longest, len(words)), 0, -1):
            meaning = self._keys.get(tuple(words[-length:]))
            if meaning is not None:
                if not self._is_other(meaning, words, length, tokens):
                    return meaning
                break
        return self._look_up_metric(words, len(_split(tokens[-1]))) if tokens else None

    def _look_up_metric(self, words: Sequence[str], joined: int) -> Meaning | None:
        """Return the metric that ``words`` name; the last ``joined`` of them are one word."""
        split = ""
        while joined > 1 and (words[-1] in self.splits or words[-1] in _SUFFIXES):  # `acc_epoch`
            split = self.splits.get(words[-1], split)
            words, joined = words[:-1], joined - 1
        for length in range(min(self._longest_metric, len(words)), 0, -1):
            name = self._metrics.get(tuple(words[-length:]))
            if name is None:
                continue
            before = [word for word in words[:-length] if word not in self._same_metrics]
            inside = [word for word in words[-joined:-length] if word not in self._same_metrics]
            if before and before[-1] in self.splits:
                split = self.splits[before.pop()]
                inside = inside[:-1]
            # `masked_acc` and `best acc` are others than `acc`.
            other = inside or (before and before[-1] in self._other_metrics)
            sign = name not in self._no_sign
            return Meaning("" if other else name, 0, metric=True, split=split, sign=sign)
        return None

    def name_metric(self, label: str) -> str:
        """Return the name that a metric is exported with, for one that somebody else gave it."""
        meaning = self.look_up(label)
        if meaning is None or not meaning.value:
            return label
        if not meaning.metric:
            return "learning_rate" if meaning.value == "learning_rate" else label
        return f"val_{meaning.value}" if meaning.split == "val" else meaning.value

    def _is_other(self, meaning: Meaning, words: list[str], length: int, tokens: list[str]) -> bool:
        """Tell whether what stands before it makes a value another one than it seems."""
        if len(words) <= length or meaning.value not in _WHOLE:
            return False
        joined = len(_split(tokens[-1])) > length  # `nsp_loss`: one name, not two words
        others = self._other_losses if "loss" in meaning.value else self._settings
        return joined or words[-length - 1] in others


def _split(token: str) -> list[str]:
    for mark in "_-/.()[]:":
        token = token.replace(mark, " ")
    return token.split()


@lru_cache(maxsize=1)
def load_spellings() -> Spellings:
    """Read the spellings, once."""
    return Spellings()
