"""Which lines need not be read, because others like them tell the same."""

from __future__ import annotations

from panewatch.training.alike import find_shape, leave_out_overtaken


def test_lines_that_differ_in_numbers_have_one_shape() -> None:
    assert find_shape("step 9: loss 0.25") == find_shape("step 12345: loss 1.000001")
    assert find_shape("step 9: loss 0.25") != find_shape("step 9: loss nan")
    assert find_shape("Epoch 3") != find_shape("Epoch")
    assert find_shape("3: [##   ]   5%") == find_shape("4: [#### ]  15%")


def test_of_lines_of_one_shape_the_last_is_kept_in_its_place() -> None:
    lines = ["step 1", "val 0.1", "step 2", "step 30", "done"]
    assert [text for text, _ in leave_out_overtaken(lines)] == ["val 0.1", "step 30", "done"]


def test_lines_that_are_counted_are_all_kept() -> None:
    lines = ["step 1: loss nan", "step 2: loss nan", "step 3: loss -INF", "step 4: loss -INF"]
    assert [text for text, _ in leave_out_overtaken(lines)] == lines
