from __future__ import annotations

import re
from pathlib import Path

import pytest

from panewatch import web_config
from panewatch.tls import CIPHERS, TLS13_CIPHERS, TlsSettings
from panewatch.web_config import Headers, HttpSettings, RateLimit

PAGE = Path(__file__).parents[2] / "docs" / "web-config.md"


def test_the_example_of_the_page_is_accepted(issued: Path, tmp_path: Path) -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    path = tmp_path / "web.config.yml"
    path.write_text(example.replace("/etc/panewatch/", f"{issued}/"))
    config = web_config.load(str(path))
    assert config.tls is not None
    assert set(config.users) == {"prometheus"}


@pytest.mark.parametrize("section", [TlsSettings, HttpSettings, Headers, RateLimit])
def test_the_page_has_every_key(section: type[TlsSettings]) -> None:
    text = PAGE.read_text()
    for name, known in section.model_fields.items():
        assert f"`{known.alias or name}`" in text


def test_the_page_has_every_cipher_suite() -> None:
    text = PAGE.read_text()
    assert all(f"`{name}`" in text for name in (*CIPHERS, *TLS13_CIPHERS))
