"""Prompts that the settings name."""

from __future__ import annotations

from pathlib import Path

import pytest

from panewatch.config import ErrorsSettings
from panewatch.errors.loading import build_rulebook
from panewatch.errors.pack import RulesError
from panewatch.settings_file import SettingsError, load


def test_prompts_of_ones_own_are_known(tmp_path: Path) -> None:
    text = "errors:\n  prompts:\n    - '\\w+:\\S*>'\n    - '^\\w+ => '\n"
    (tmp_path / "f.yml").write_text(text)
    settings = load(str(tmp_path / "f.yml"), {}, {}).errors
    book = build_rulebook(settings)
    assert build_rulebook(settings, book) is book
    assert build_rulebook(ErrorsSettings(), book) is not book
    lines = ["PROD:~/x> cat train.log", "home => cat train.log", "PROD:~/x>", "PROD: x"]
    assert [index for index, found in book.find(lines).items() if found.prompt] == [0, 1]
    for line in lines[:2]:
        prompt = book.read_prompt(line)
        assert prompt is not None
        assert (prompt.kind, prompt.command.text) == ("shell", "cat train.log")
    bare = book.read_prompt(lines[2])
    assert bare is not None
    assert not bare.command.text
    assert book.read_prompt(lines[3]) is None


@pytest.mark.parametrize(
    ("prompt", "says"),
    [
        ("(", "is no expression: "),
        ("(?=x)", "is no expression: "),
        (".*", "could be the beginning of any line, such as 'x'"),
        ("", "must be text"),
        (r"\S+:", "could be the beginning of any line, such as 'Error: it failed'"),
    ],
)
def test_a_prompt_that_is_none_is_told_with_its_line(
    tmp_path: Path, prompt: str, says: str
) -> None:
    file = tmp_path / "f.yml"
    file.write_text(f"errors:\n  prompts:\n    - 'ok> '\n    - '{prompt}'\n")
    with pytest.raises((RulesError, SettingsError)) as refused:
        build_rulebook(load(str(file), {}, {}).errors)
    assert f"{file}:4: errors.prompts[1]: {says}" in str(refused.value)
