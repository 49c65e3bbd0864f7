"""Versions, cipher suites and curves: what is chosen is what is spoken."""

from __future__ import annotations

import ssl
import warnings
from typing import TYPE_CHECKING

import pytest

from panewatch import web_config
from panewatch.web_config import WebConfigError
from server.serving import TEXT, Running
from server.tls_client import PLAIN, client_context, configure, is_refused, scrape, start_tls

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Serve = Callable[..., Running]


def test_a_tls_1_1_client_is_refused(serve: Serve, folder: Path) -> None:
    running = serve(config_file=configure(folder, PLAIN))
    context = client_context(folder)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")  # or the client itself would refuse
    assert is_refused(running, context)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    assert scrape(running, context).endswith(TEXT)


def test_the_minimum_version_holds(serve: Serve, folder: Path) -> None:
    running = serve(config_file=configure(folder, PLAIN + "  min_version: TLS13\n"))
    old, new = client_context(folder), client_context(folder)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    assert is_refused(running, old)
    assert scrape(running, new).endswith(TEXT)


def test_the_maximum_version_holds(serve: Serve, folder: Path) -> None:
    running = serve(config_file=configure(folder, PLAIN + "  max_version: TLS12\n"))
    with start_tls(running, client_context(folder)) as client:
        assert client.version() == "TLSv1.2"


@pytest.mark.parametrize(
    ("suite", "name"),
    [
        ("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384"),
        ("TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"),
    ],
)
def test_cipher_suites_hold_for_tls_1_2(serve: Serve, folder: Path, suite: str, name: str) -> None:
    text = f"{PLAIN}  max_version: TLS12\n  cipher_suites: [{suite}]\n"
    running = serve(config_file=configure(folder, text))
    with start_tls(running, client_context(folder)) as client:
        assert (client.cipher() or ("",))[0] == name


def test_only_tls_1_3_suites_leave_only_tls_1_3(serve: Serve, folder: Path) -> None:
    text = f"{PLAIN}  cipher_suites: [TLS_AES_128_GCM_SHA256]\n"
    running = serve(config_file=configure(folder, text))
    context = client_context(folder)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    assert is_refused(running, context)


@pytest.mark.parametrize("preferred", [True, False])
def test_the_order_of_suites_is_whose_it_is_set_to_be(
    serve: Serve, folder: Path, preferred: bool
) -> None:
    ours, theirs = "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-GCM-SHA256"
    text = (
        f"{PLAIN}  max_version: TLS12\n  prefer_server_cipher_suites: {str(preferred).lower()}\n"
        "  cipher_suites:\n    - TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384\n"
        "    - TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256\n"
    )
    running = serve(config_file=configure(folder, text))
    context = client_context(folder)
    context.set_ciphers(f"{theirs}:{ours}")
    with start_tls(running, context) as client:
        assert (client.cipher() or ("",))[0] == (ours if preferred else theirs)


def can_set(curve: str) -> bool:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).set_ecdh_curve(curve)
    except (ssl.SSLError, ValueError):
        return False
    return True


@pytest.mark.parametrize(
    ("name", "curve", "other"),
    [
        ("CurveP256", "prime256v1", "secp384r1"),
        ("CurveP384", "secp384r1", "secp521r1"),
        ("CurveP521", "secp521r1", "prime256v1"),
        pytest.param(
            "X25519",
            "X25519",
            "prime256v1",
            marks=pytest.mark.skipif(not can_set("X25519"), reason="Python cannot set X25519"),
        ),
    ],
)
def test_the_curve_holds(serve: Serve, folder: Path, name: str, curve: str, other: str) -> None:
    running = serve(config_file=configure(folder, f"{PLAIN}  curve_preferences: [{name}]\n"))
    wrong, right = client_context(folder), client_context(folder)
    wrong.set_ecdh_curve(other)
    right.set_ecdh_curve(curve)
    assert is_refused(running, wrong)
    assert scrape(running, right).endswith(TEXT)


def test_a_curve_that_this_python_cannot_set_is_refused_by_name(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if can_set("X25519"):  # then do as Debian 12's Python 3.11.2 does
        really = ssl.SSLContext.set_ecdh_curve

        def fail(context: ssl.SSLContext, curve: str) -> None:
            if curve == "X25519":
                raise ssl.SSLError(129, "[EC: UNKNOWN_GROUP] unknown group")
            really(context, curve)

        monkeypatch.setattr(ssl.SSLContext, "set_ecdh_curve", fail)
    path = configure(folder, f"{PLAIN}  curve_preferences: [X25519]\n")
    with pytest.raises(WebConfigError) as caught:
        web_config.load(path)
    assert str(caught.value) == (
        f"{path}:4: tls_server_config.curve_preferences[0]: X25519: this Python cannot set it; "
        "allowed: CurveP256, CurveP384, CurveP521"
    )
