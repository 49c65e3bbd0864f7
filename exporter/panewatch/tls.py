"""TLS from ``tls_server_config``: what may be written there, and the context it makes."""

from __future__ import annotations

import ipaddress
import ssl
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Self, TypeVar

from pydantic import AfterValidator, ConfigDict, Field, StrictBool, model_validator

from panewatch.settings_types import Conflict, Section, refuse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

T = TypeVar("T")

VERSIONS: Final = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
CLIENT_AUTH: Final = {
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}
CURVES: Final = {
    "CurveP256": "prime256v1",
    "CurveP384": "secp384r1",
    "CurveP521": "secp521r1",
    "X25519": "X25519",
}
_RSA_OR_ECDSA: Final = {
    "AES_128_CBC_SHA": "AES128-SHA",
    "AES_256_CBC_SHA": "AES256-SHA",
    "AES_128_GCM_SHA256": "AES128-GCM-SHA256",
    "AES_256_GCM_SHA384": "AES256-GCM-SHA384",
    "CHACHA20_POLY1305_SHA256": "CHACHA20-POLY1305",
}
# Every TLS 1.3 suite is always on, here as in Go; their names are allowed and change nothing.
TLS13_CIPHERS: Final = frozenset(
    {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"}
)
CIPHERS: Final[Mapping[str, str]] = {
    **{f"TLS_ECDHE_RSA_WITH_{go}": f"ECDHE-RSA-{own}" for go, own in _RSA_OR_ECDSA.items()},
    **{f"TLS_ECDHE_ECDSA_WITH_{go}": f"ECDHE-ECDSA-{own}" for go, own in _RSA_OR_ECDSA.items()},
    **{f"TLS_RSA_WITH_{go}": own for go, own in _RSA_OR_ECDSA.items() if "CHACHA" not in go},
}

_UNSUPPORTED: Final = {
    "TLS10": "TLS 1.0 is not supported",
    "TLS11": "TLS 1.1 is not supported",
    "RequestClientCert": "a certificate that nobody verifies is not supported",
    "RequireAnyClientCert": "a certificate that nobody verifies is not supported",
    "RequireClientCert": "a certificate that nobody verifies is not supported",
}


def one_of(allowed: Iterable[str], *, blank: bool = False) -> AfterValidator:
    """Make a validator that lets pass only the given words, and the empty text where ``blank``.

    A word that the toolkit knows and panewatch cannot do is refused by name.
    """
    words = tuple(allowed)

    def check(value: str) -> str:
        if value in words or (blank and not value):
            return value
        listed = f"allowed: {', '.join(words)}"
        if value in _UNSUPPORTED:
            raise ValueError(f"{value}: {_UNSUPPORTED[value]}; {listed}")
        raise ValueError(f"unknown value; {listed}")

    return AfterValidator(check)


def check_curve(value: str) -> str:
    """Return the name of a curve that the Python which runs this can set.

    Raises:
        ValueError: it names no curve, or one that this Python cannot set.
    """
    settable = [name for name, own in CURVES.items() if _can_set(own)]
    if value in settable:
        return value
    problem = f"{value}: this Python cannot set it" if value in CURVES else "unknown value"
    raise ValueError(f"{problem}; allowed: {', '.join(settable)}")


def _can_set(curve: str) -> bool:
    # Python 3.11.2, which Debian 12 has, knows X25519 by name and still fails to set it.
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).set_ecdh_curve(curve)
    except (ssl.SSLError, ValueError):
        return False
    return True


def shorten_address(name: str) -> str:
    """Write an IP address in its short form, and any other name as it is."""
    try:
        return ipaddress.ip_address(name.strip()).compressed
    except ValueError:
        return name


class TlsError(Exception):
    """A file of ``tls_server_config`` cannot be used; ``key`` names its setting."""

    def __init__(self, key: str, message: str) -> None:
        self.key = key
        super().__init__(message)


class TlsSettings(Section):
    """``tls_server_config``, with the names of the exporter-toolkit.

    An empty text means the same as a key that is left out.
    """

    model_config = ConfigDict(coerce_numbers_to_str=True)

    cert_file: str = ""
    key_file: str = Field(default="", repr=False)
    client_auth_type: Annotated[str, one_of(CLIENT_AUTH, blank=True)] = ""
    client_ca_file: str = ""
    client_allowed_sans: tuple[Annotated[str, AfterValidator(shorten_address)], ...] = ()
    min_version: Annotated[str, one_of(VERSIONS, blank=True)] = "TLS12"
    max_version: Annotated[str, one_of(VERSIONS, blank=True)] = "TLS13"
    cipher_suites: tuple[Annotated[str, one_of((*CIPHERS, *sorted(TLS13_CIPHERS)))], ...] = ()
    prefer_server_cipher_suites: StrictBool = True
    curve_preferences: tuple[Annotated[str, AfterValidator(check_curve)], ...] = ()

    @property
    def enabled(self) -> bool:
        """Whether anything was set that asks for TLS; if not, the server speaks plain HTTP."""
        asks = (self.cert_file, self.key_file, self.client_auth_type, self.client_ca_file)
        return any(asks) or bool(self.client_allowed_sans)

    @model_validator(mode="after")
    def _check(self) -> Self:
        refuse(self._conflicts())
        return self

    def _conflicts(self) -> Iterator[Conflict]:
        if self.enabled:
            for key in ("cert_file", "key_file"):
                if not getattr(self, key):
                    yield Conflict(((key,),), "is missing; TLS needs cert_file and key_file")
        if self.client_ca_file and self.client_auth_type in ("", "NoClientCert"):
            message = "needs client_auth_type VerifyClientCertIfGiven or RequireAndVerifyClientCert"
            yield Conflict((("client_ca_file",),), message)
        if self.client_allowed_sans and self.client_auth_type != "RequireAndVerifyClientCert":
            message = "needs client_auth_type RequireAndVerifyClientCert"
            yield Conflict((("client_allowed_sans",),), message)
        if VERSIONS[self.min_version or "TLS12"] > VERSIONS[self.max_version or "TLS13"]:
            yield Conflict((("min_version",),), "is above max_version")
        if len(self.curve_preferences) > 1:
            message = "more than one curve is not supported; give one, or leave the key out"
            yield Conflict((("curve_preferences",),), message)


def build_context(settings: TlsSettings) -> ssl.SSLContext:
    """Read the files of enabled settings and make the server's context of them.

    Raises:
        TlsError: a file is missing, unreadable, no PEM, encrypted, or the key and the
            certificate do not belong together.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = VERSIONS[settings.min_version or "TLS12"]
    context.maximum_version = VERSIONS[settings.max_version or "TLS13"]
    context.set_alpn_protocols(["http/1.1"])
    if not settings.prefer_server_cipher_suites:
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    suites = [CIPHERS[name] for name in settings.cipher_suites if name in CIPHERS]
    if suites:
        _use("cipher_suites", partial(context.set_ciphers, ":".join(suites)))
    elif settings.cipher_suites:  # only TLS 1.3 suites are wanted
        context.minimum_version = ssl.TLSVersion.TLSv1_3
    for curve in settings.curve_preferences:
        _use("curve_preferences", partial(context.set_ecdh_curve, CURVES[curve]))
    _read_certificate(context, settings)
    _read_client_ca(context, settings)
    return context


def subject_names(certificate: Mapping[str, object] | None) -> set[str]:
    """Return the subject alternative names of a certificate as ``getpeercert()`` gives it.

    They are DNS names, e-mail and IP addresses and URIs; an IP address has its short form.
    """
    names = set()
    pairs = certificate.get("subjectAltName", ()) if certificate else ()
    for kind, value in pairs if isinstance(pairs, tuple) else ():
        if kind == "IP Address":
            names.add(shorten_address(value))
        elif kind in ("DNS", "email", "URI"):
            names.add(value)
    return names


def _read_certificate(context: ssl.SSLContext, settings: TlsSettings) -> None:
    # OpenSSL does not say which of the two files it could not read.
    _look_for("certificate", "cert_file", settings.cert_file)
    _look_for("private key", "key_file", settings.key_file)
    asked = []

    def refuse_password() -> str:  # or OpenSSL would ask for one on the terminal
        asked.append(True)
        return "-"

    chain = partial(context.load_cert_chain, settings.cert_file, settings.key_file, refuse_password)
    try:
        _use("key_file", chain)
    except TlsError:
        if asked:
            message = "cannot be used: it is encrypted; write the key without a passphrase"
            raise TlsError("key_file", message) from None
        raise


def _read_client_ca(context: ssl.SSLContext, settings: TlsSettings) -> None:
    context.verify_mode = CLIENT_AUTH[settings.client_auth_type or "NoClientCert"]
    if settings.client_ca_file:
        _use("client_ca_file", partial(context.load_verify_locations, settings.client_ca_file))
    elif context.verify_mode != ssl.CERT_NONE:  # as in Go: the system's authorities
        context.load_default_certs(ssl.Purpose.CLIENT_AUTH)


def _look_for(what: str, key: str, path: str) -> None:
    if f"{what.upper()}-----".encode() not in _use(key, Path(path).read_bytes):
        raise TlsError(key, f"cannot be used: it holds no PEM {what}")


def _use(key: str, act: Callable[[], T]) -> T:
    try:
        return act()
    except ssl.SSLError as error:
        reason = (error.reason or "no PEM").lower().replace("_", " ")
        raise TlsError(key, f"cannot be used: {_EXPLAINED.get(reason, reason)}") from None
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise TlsError(key, f"cannot be read: {reason}") from None


_EXPLAINED: Final = {
    "key values mismatch": "it is not the key of the certificate in cert_file",
    "no certificate or crl found": "it holds no PEM certificate",
    "no start line": "it holds no PEM certificate",
}
