from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from panewatch import web_config
from panewatch.web_config import WebConfigError
from server.serving import TESTDATA

if TYPE_CHECKING:
    from pathlib import Path


def find(kind: str) -> list[str]:
    return sorted(path.name for path in TESTDATA.glob(f"*.{kind}.yml"))


def check_with_promtool(path: Path) -> str:
    """Return what promtool says against a file, nothing where it accepts it."""
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed")
    done = subprocess.run(
        [promtool, "check", "web-config", str(path)], capture_output=True, text=True, check=False
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


@pytest.mark.parametrize("name", find("good"))
def test_what_promtool_accepts_is_accepted(name: str, issued: Path) -> None:
    assert check_with_promtool(issued / name) == ""
    web_config.load(str(issued / name))


@pytest.mark.parametrize("name", find("newer"))
def test_keys_newer_than_promtool_2_42_are_accepted(name: str, issued: Path) -> None:
    web_config.load(str(issued / name))


FIRST = "web_config_"
CIPHERS = "unknown value; allowed: TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, "
CURVES = "allowed: CurveP256, CurveP384, CurveP521"
VERSIONS = "allowed: TLS12, TLS13"
TYPES = "allowed: NoClientCert, VerifyClientCertIfGiven, RequireAndVerifyClientCert"
HEADERS = (
    "Content-Security-Policy, X-Frame-Options, X-Content-Type-Options, X-XSS-Protection, "
    "Strict-Transport-Security"
)
TLS = "tls_server_config"
REFUSED = {
    "not_yaml.bad": [":2: not YAML: "],
    "not_mapping.bad": [":1: must be a mapping of keys to values"],
    "unknown_section.bad": [
        (":1: tls_server_configuration: unknown key; allowed: tls_server_config, "
        "http_server_config, basic_auth_users, rate_limit")
    ],
    "unknown_key.bad": [f":4: {TLS}.cert_filse: unknown key; allowed: cert_file, key_file, "],
    "duplicate_key.bad": [f":4: {TLS}.cert_file: given twice; first on line 2"],
    "wrong_type.bad": [
        f":4: {TLS}.cipher_suites: must be a list",
        f":6: {TLS}.prefer_server_cipher_suites: must be true or false",
    ],
    "tls_key_missing.bad": [f":1: {TLS}.key_file: is missing; TLS needs cert_file and key_file"],
    "tls_cert_missing.bad": [f":1: {TLS}.cert_file: is missing; TLS needs cert_file and key_file"],
    "tls_file_missing.bad": [f":2: {TLS}.cert_file: cannot be read: no such file or directory"],
    "tls_key_of_another.bad": [
        f":3: {TLS}.key_file: cannot be used: it is not the key of the certificate in cert_file"
    ],
    "tls_key_encrypted.bad": [f":3: {TLS}.key_file: cannot be used: it is encrypted"],
    "tls_no_pem.bad": [f":2: {TLS}.cert_file: cannot be used: it holds no PEM certificate"],
    "tls_version_unknown.bad": [f":4: {TLS}.min_version: unknown value; {VERSIONS}"],
    "tls_cipher_unknown.bad": [f":6: {TLS}.cipher_suites[1]: {CIPHERS}"],
    "tls_cipher_weak.bad": [f":5: {TLS}.cipher_suites[0]: {CIPHERS}"],
    "tls_cipher_blank.bad": [f":4: {TLS}.cipher_suites[0]: {CIPHERS}"],
    "tls_curve_unknown.bad": [f":5: {TLS}.curve_preferences[0]: unknown value; {CURVES}"],
    "tls_curve_blank.bad": [f":4: {TLS}.curve_preferences[0]: unknown value; {CURVES}"],
    "client_type_unknown.bad": [f":4: {TLS}.client_auth_type: unknown value; {TYPES}"],
    "client_ca_without_type.bad": [
        (f":4: {TLS}.client_ca_file: needs client_auth_type VerifyClientCertIfGiven or "
        "RequireAndVerifyClientCert")
    ],
    "client_ca_missing.bad": [
        f":5: {TLS}.client_ca_file: cannot be read: no such file or directory"
    ],
    "headers_unknown.bad": [
        f":3: http_server_config.headers.Content-Type: unknown key; allowed: {HEADERS}"
    ],
    "headers_frame.bad": [
        ":3: http_server_config.headers.X-Frame-Options: must be 'deny' or 'sameorigin'"
    ],
    "headers_frame_blank.bad": [
        ":3: http_server_config.headers.X-Frame-Options: must be 'deny' or 'sameorigin'"
    ],
    "headers_sniff.bad": [
        ":3: http_server_config.headers.X-Content-Type-Options: must be 'nosniff'"
    ],
    "users_plain.bad": [
        ":2: basic_auth_users.alice: is not a bcrypt hash; make one with `htpasswd -nBC 10 NAME`"
    ],
    "users_cost.bad": [":2: basic_auth_users.alice: is not a bcrypt hash"],
    "tls_inline.bad": [
        f":2: {TLS}.cert: is not supported; use cert_file",
        f":4: {TLS}.key: is not supported; use key_file",
        f":6: {TLS}.client_ca: is not supported; use client_ca_file",
    ],
    "client_sans_unverified.bad": [
        f":4: {TLS}.client_allowed_sans: needs client_auth_type RequireAndVerifyClientCert"
    ],
    "rate_limit_unit.bad": [
        ":2: rate_limit.interval: must be a duration such as 500ms, 1s or 1m30s, or 0"
    ],
    "rate_limit_burst.bad": [
        ":1: rate_limit.burst: must be at least 1, or nothing is ever answered"
    ],
    "tls11.unsupported": [
        f":4: {TLS}.min_version: TLS11: TLS 1.1 is not supported; {VERSIONS}"
    ],
    "tls_versions_crossed.unsupported": [f":4: {TLS}.min_version: is above max_version"],
    "tls_curves.unsupported": [
        f":4: {TLS}.curve_preferences: more than one curve is not supported"
    ],
    "client_any.unsupported": [
        (f":4: {TLS}.client_auth_type: RequireAnyClientCert: a certificate that nobody verifies "
        f"is not supported; {TYPES}")
    ],
    "client_request.unsupported": [
        (f":4: {TLS}.client_auth_type: RequestClientCert: a certificate that nobody verifies "
        f"is not supported; {TYPES}")
    ],
    "client_ca_empty.unsupported": [
        f":5: {TLS}.client_ca_file: cannot be used: it holds no PEM certificate"
    ],
    "headers_line_break.unsupported": [
        (":3: http_server_config.headers.Content-Security-Policy: "
        "must be printable ASCII on one line")
    ],
    "alias.unsupported": [
        ":2: anchors (&name) are not allowed",
        ":4: aliases (*name) are not allowed",
    ],
}  # fmt: skip


def test_every_file_that_must_be_refused_is_in_the_table() -> None:
    names = {name.removeprefix(FIRST).removesuffix(".yml") for name in find("*") if FIRST in name}
    good = {name for name in names if name.endswith((".good", ".newer"))}
    assert names - good == set(REFUSED)


@pytest.mark.parametrize("name", REFUSED)
def test_a_bad_file_is_refused_with_line_key_and_what_is_allowed(name: str, issued: Path) -> None:
    path = issued / f"{FIRST}{name}.yml"
    with pytest.raises(WebConfigError) as caught:
        web_config.load(str(path))
    lines = str(caught.value).splitlines()
    assert len(lines) == len(REFUSED[name])
    for line, expected in zip(lines, REFUSED[name], strict=True):
        assert line.startswith(f"{path}{expected}")


@pytest.mark.parametrize("name", find("bad"))
def test_promtool_refuses_what_is_called_bad(name: str, issued: Path) -> None:
    assert check_with_promtool(issued / name) != ""


@pytest.mark.parametrize("name", find("unsupported"))
def test_promtool_accepts_what_is_called_unsupported(name: str, issued: Path) -> None:
    assert check_with_promtool(issued / name) == ""


def test_all_problems_of_a_file_are_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "web.config.yml"
    path.write_text(
        "tls_server_config:\n  min_version: TLS9\n  oops: 1\nbasic_auth_users:\n  eve: secret\n"
    )
    with pytest.raises(WebConfigError) as caught:
        web_config.load(str(path))
    assert [(problem.line, problem.key) for problem in caught.value.problems] == [
        (2, "tls_server_config.min_version"),
        (3, "tls_server_config.oops"),
        (5, "basic_auth_users.eve"),
    ]
    assert "secret" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(WebConfigError, match=r"none\.yml: cannot be read: No such file"):
        web_config.load(str(tmp_path / "none.yml"))


def test_an_empty_file_is_plain_http_for_everybody(issued: Path) -> None:
    config = web_config.load(str(issued / "web_config_empty.good.yml"))
    assert (config.tls, config.users, config.headers) == (None, {}, {})


def test_file_names_are_relative_to_the_configuration(
    issued: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(issued.parent)
    config = web_config.load(f"{issued.name}/web_config_client_ca.good.yml")
    names = ("web_config_client_ca.good.yml", "server.crt", "server.key", "ca.crt")
    assert config.files == tuple(str(issued / name) for name in names)


def test_blank_headers_are_left_out_and_numbers_are_text(issued: Path) -> None:
    blank = web_config.load(str(issued / "web_config_headers_blank.good.yml"))
    assert blank.headers == {}
    full = web_config.load(str(issued / "web_config_headers.good.yml"))
    assert full.headers["X-XSS-Protection"] == "1"
    assert full.headers["X-Frame-Options"] == "sameorigin"


def test_rate_limit_is_read_in_seconds(issued: Path) -> None:
    rate = web_config.load(str(issued / "web_config_rate_limit.newer.yml")).rate_limit
    assert (rate.interval, rate.burst) == (90.0, 3)


def test_hashes_do_not_show(issued: Path) -> None:
    config = web_config.load(str(issued / "web_config_users.good.yml"))
    assert set(config.users) == {"alice", "bob"}
    assert "$2" not in repr(config)
