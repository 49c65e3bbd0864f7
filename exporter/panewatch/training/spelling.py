"""How the values of a training are spelled: words on the screen → what they mean."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources
from typing import Final, NamedTuple

import yaml

Words = tuple[str, ...]
_WHOLE: Final = frozenset(("epoch", "step", "loss", "val_loss"))


class Meaning(NamedTuple):
    """What a key means; of several keys with one meaning, the lowest ``rank`` wins."""

    value: str
    rank: int


class Spellings:
    """The words of ``spellings.yaml``, ready to be looked up."""

    def __init__(self) -> None:
        text = resources.files("panewatch.training").joinpath("spellings.yaml").read_bytes()
        content = yaml.safe_load(text)
        self._keys: dict[Words, Meaning] = {
            tuple(spelling.split()): Meaning(value, rank)
            for value, spellings in content["values"].items()
            for rank, spelling in enumerate(spellings)
        }
        self.names: dict[str, list[str]] = content["values"]
        self._metrics = {tuple(name.split()) for name in content["metrics"]}
        self._other_losses = frozenset(content["other_losses"])
        self._settings = frozenset(content["settings"])
        self.units: dict[str, str] = {
            unit: value for value, units in content["units"].items() for unit in units
        }
        self.not_training: Words = tuple(content["not_training"])
        self.not_train_split: Words = tuple(content["not_train_split"])
        self._longest = max(map(len, self._keys))
        self.look_up = lru_cache(maxsize=4096)(self._look_up)

    def _look_up(self, key: str) -> Meaning | None:
        """Return what the words before a number mean; the meaning of a mere metric is ``""``."""
        tokens = key.lower().replace("'s ", " ").strip("'\"").split()
        words = [word for token in tokens for word in _split(token)]
        for length in range(min(self._longest, len(words)), 0, -1):
            meaning = self._keys.get(tuple(words[-length:]))
            if meaning is not None:
                return None if self._is_other(meaning, words, length, tokens) else meaning
        for length in (3, 2, 1):
            if tuple(words[-length:]) in self._metrics:
                return Meaning("", 0)
        return None

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
