"""Every format proves itself by its own examples."""

from __future__ import annotations

import math

import pytest

from panewatch.training.format import Format, load_formats
from panewatch.training.reading import ProgressReader
from panewatch.training.spelling import load_spellings
from panewatch.training.values import NAMES

FORMATS = load_formats()
READER = ProgressReader()
KNOWN = {*NAMES, *(f"{val}{name}" for name in load_spellings().metrics for val in ("", "val_"))}


def test_formats_have_names_of_their_own() -> None:
    names = [one.id for one in FORMATS]
    assert len(names) == len(set(names)) >= 10


@pytest.mark.parametrize("one", FORMATS, ids=lambda one: one.id)
def test_a_format_reads_its_examples(one: Format) -> None:
    assert one.examples
    for line, values in one.examples:
        progress = READER.read(line)
        assert progress is not None, line
        assert progress.format == one.id, line
        assert values.keys() <= progress.values.keys() <= KNOWN
        for name, value in values.items():
            assert math.isclose(progress.values[name], value, rel_tol=1e-4), (line, name)


@pytest.mark.parametrize("one", FORMATS, ids=lambda one: one.id)
def test_a_format_leaves_its_counterexamples(one: Format) -> None:
    for line in one.counterexamples:
        progress = READER.read(line)
        assert progress is None or progress.format != one.id, line
