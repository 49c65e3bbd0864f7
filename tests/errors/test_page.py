"""What ``docs/errors.md`` shows works as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from panewatch.cli import main
from panewatch.config import Config, ErrorsSettings
from panewatch.errors.loading import build_rulebook

PAGE = Path(__file__).resolve().parents[2] / "docs/errors.md"
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
(STATUSES, PACK) = (text for text in EXAMPLES if "rules:" in text)
SETTINGS = [text for text in EXAMPLES if text not in {PACK, STATUSES}]


def run(*arguments: str) -> int:
    """Run panewatch's command line in this process."""
    try:
        return int(main(list(arguments)) or 0)
    except SystemExit as ending:
        return int(ending.code or 0)


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """All settings that the page shows, with its pack."""
    pack, file = tmp_path / "acme.yaml", tmp_path / "panewatch.yml"
    pack.write_text(PACK)
    merged: dict[str, object] = {}
    for text in SETTINGS:
        merged |= yaml.safe_load(text)["errors"]
    file.write_text(yaml.safe_dump({"errors": merged | {"packs": [str(pack)]}}))
    return file


def test_the_pack_and_the_severities_are_accepted(
    settings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert {key for text in SETTINGS for key in yaml.safe_load(text)["errors"]} == {
        "severity",
        "packs",
        "prompts",
    }
    assert run("check-config", str(settings)) == 0, capsys.readouterr().err


def test_the_rule_for_a_status_is_accepted(tmp_path: Path) -> None:
    pack = tmp_path / "licence.yaml"
    pack.write_text(STATUSES)
    book = build_rulebook(ErrorsSettings(packs=[str(pack)]))
    rule = book.find_status(75, 1.0)
    assert rule is not None
    assert rule.id == "acme-no-licence"


def test_a_pack_whose_example_it_does_not_take_is_refused(
    settings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pack = settings.with_name("acme.yaml")
    changed = PACK.replace('examples: ["acme: errors so far: 0"]', 'examples: ["acme: errors: 0"]')
    assert changed != PACK
    pack.write_text(changed)
    assert run("check-config", str(settings)) != 0
    assert "acme-error-count" in capsys.readouterr().err


def test_the_pack_does_what_the_page_says(
    settings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "log"
    log.write_text(
        "acme: fatal: license server unreachable: lic01.example\n"
        "acme: step link failed after 3 s\n"
        "acme: errors so far: 0\n"
        "acme: all 12 steps done in 41 s\n"
    )
    assert run("explain", "--config.file", str(settings), str(log)) == 0
    heads = [line for line in capsys.readouterr().out.splitlines() if not line.startswith(" ")]
    told = [head.removeprefix(f"{log}:") for head in heads]
    assert told[0] == "1: P0 network: acme-license-unreachable (opens incident 1)"
    assert told[1] == "2: P1 build: acme-step-failed (joins incident 1)"
    assert told[2].startswith("3: noise: acme-error-count")
    assert told[3] == "4: success: acme-done (ends incident 1)"


def test_the_default_that_the_page_names_is_the_default() -> None:
    assert f"({Config().errors.quiet_after / 60:.0f} min)" in PAGE.read_text("utf-8")
