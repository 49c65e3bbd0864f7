"""``web.config.yml`` in the exporter-toolkit format: TLS, users, headers, rate limit."""

from __future__ import annotations

import pathlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    ValidationError,
    model_validator,
)

from panewatch import strict_yaml, tls
from panewatch.problems import Problem, ProblemsError, show_path
from panewatch.settings_types import Conflict, Section, refuse
from panewatch.tls import TlsSettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from panewatch.problems import Path

_BCRYPT: Final = re.compile(r"\$2[abxy]\$(0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{53}")
_GO_UNITS: Final = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_GO_DURATION: Final = r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(ns|us|ms|s|m|h)"


class WebConfigError(ProblemsError):
    """The file cannot be used; the text has one problem a line."""


def check_hash(value: str) -> str:
    """Return a bcrypt hash that some password can match.

    Raises:
        ValueError: it is anything else.
    """
    if not _BCRYPT.fullmatch(value):
        raise ValueError("is not a bcrypt hash; make one with `htpasswd -nBC 10 NAME`")
    return value


def check_header(value: str) -> str:
    """Return a header value that fits on one line.

    Raises:
        ValueError: it has characters that HTTP does not allow there.
    """
    if not re.fullmatch(r"[\x20-\x7e\t]*", value):
        raise ValueError("must be printable ASCII on one line")
    return value.strip()


def parse_interval(value: Any) -> Any:
    """Turn Go's duration text, such as ``1m30s``, into seconds; 0 needs no unit.

    Raises:
        ValueError: the value is something else.
    """
    if value == 0 and not isinstance(value, bool):
        return 0.0
    if not isinstance(value, str) or not re.fullmatch(f"(?:{_GO_DURATION}){{1,6}}", value):
        raise ValueError("must be a duration such as 500ms, 1s or 1m30s, or 0")
    return sum(float(count) * _GO_UNITS[unit] for count, unit in re.findall(_GO_DURATION, value))


HeaderValue = Annotated[str, AfterValidator(check_header)]


class Headers(Section):
    """The headers that may be set; None or blank leaves panewatch's own in place."""

    model_config = ConfigDict(coerce_numbers_to_str=True)

    content_security_policy: HeaderValue = Field(default="", alias="Content-Security-Policy")
    x_frame_options: Literal["deny", "sameorigin"] = Field(default="deny", alias="X-Frame-Options")
    x_content_type_options: Literal["nosniff"] = Field(
        default="nosniff", alias="X-Content-Type-Options"
    )
    x_xss_protection: HeaderValue = Field(default="", alias="X-XSS-Protection")
    strict_transport_security: HeaderValue = Field(default="", alias="Strict-Transport-Security")


class HttpSettings(Section):
    """``http_server_config``; ``http2`` allows HTTP/2 and never asks for it, so both do."""

    http2: StrictBool = True
    headers: Headers = Headers()


class RateLimit(Section):
    """``rate_limit``: a token bucket. ``interval`` is in seconds; 0 sets no limit."""

    interval: Annotated[float, BeforeValidator(parse_interval)] = 0.0
    burst: StrictInt = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.interval and not self.burst:
            refuse([Conflict((("burst",),), "must be at least 1, or nothing is ever answered")])
        return self


Hash = Annotated[str, AfterValidator(check_hash)]


class _File(Section):
    model_config = ConfigDict(coerce_numbers_to_str=True)

    tls_server_config: TlsSettings = TlsSettings()
    http_server_config: HttpSettings = HttpSettings()
    basic_auth_users: dict[str, Hash] = Field(default_factory=dict)
    rate_limit: RateLimit = RateLimit()


_SECTIONS: Final[Mapping[Path, type[Section]]] = {
    (): _File,
    ("tls_server_config",): TlsSettings,
    ("http_server_config",): HttpSettings,
    ("http_server_config", "headers"): Headers,
    ("rate_limit",): RateLimit,
}
_UNSUPPORTED: Final[Mapping[Path, str]] = {
    ("tls_server_config", "cert"): "is not supported; use cert_file",
    ("tls_server_config", "key"): "is not supported; use key_file",
    ("tls_server_config", "client_ca"): "is not supported; use client_ca_file",
}
_MESSAGES: Final = {
    "model_type": "must be a mapping of keys to values",
    "dict_type": "must be a mapping of keys to values",
    "string_type": "must be text",
    "bool_type": "must be true or false",
    "tuple_type": "must be a list",
    "int_type": "must be a whole number",
}


@dataclass(frozen=True)
class WebConfig:
    """A web configuration whose files were read once and found good.

    Attributes:
        path: the file it came from; empty for the default.
        tls: absolute file names and all; None for plain HTTP.
        headers: response headers to send, by their names.
        users: bcrypt hash of each user; empty where no password is asked for.
        rate_limit: seconds for each request, and how many may come at once.
    """

    path: str = ""
    tls: TlsSettings | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    users: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    rate_limit: RateLimit = field(default_factory=RateLimit)

    @property
    def files(self) -> tuple[str, ...]:
        """Every file that the configuration was made from."""
        used = (self.tls.cert_file, self.tls.key_file, self.tls.client_ca_file) if self.tls else ()
        return tuple(name for name in (self.path, *used) if name)


def load(path: str) -> WebConfig:
    """Read a file and the certificates it names; relative names start at its folder.

    Raises:
        WebConfigError: with every problem: file, line, key and what is allowed.
    """
    try:
        document = strict_yaml.read(path)
    except strict_yaml.YamlError as error:
        raise WebConfigError(error.problems) from None
    try:
        file = _File.model_validate(_without_nulls(document.value))
    except ValidationError as error:
        raise WebConfigError(sorted(_explain(error, document), key=_by_line)) from None
    absolute = pathlib.Path(path).absolute()
    settings = _locate(file.tls_server_config, absolute.parent)
    if settings.enabled:
        try:
            tls.build_context(settings)
        except tls.TlsError as error:
            key: Path = ("tls_server_config", error.key)
            problem = Problem(path, document.line(key), show_path(key), str(error))
            raise WebConfigError([problem]) from None
    headers = file.http_server_config.headers.model_dump(by_alias=True, exclude_unset=True)
    return WebConfig(
        path=str(absolute),
        tls=settings if settings.enabled else None,
        headers={name: value for name, value in headers.items() if value},
        users={name: hashed.encode() for name, hashed in file.basic_auth_users.items()},
        rate_limit=file.rate_limit,
    )


def resembles(path: str) -> bool:
    """Tell whether a file holds sections of a web configuration, and nothing else."""
    try:
        sections = strict_yaml.read(path).value
    except strict_yaml.YamlError:
        return False
    known = _File.model_fields.keys()
    return isinstance(sections, dict) and bool(sections) and sections.keys() <= known


def _without_nulls(value: Any) -> Any:
    """Leave out keys without a value: the toolkit reads them as not given."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        return value
    return {
        key: _without_nulls(item) if isinstance(item, dict) else item
        for key, item in value.items()
        if item is not None
    }


def _locate(settings: TlsSettings, folder: pathlib.Path) -> TlsSettings:
    keys = ("cert_file", "key_file", "client_ca_file")
    names = {key: getattr(settings, key) for key in keys}
    return settings.model_copy(
        update={key: str(folder / name) for key, name in names.items() if name}
    )


def _explain(error: ValidationError, document: strict_yaml.Document) -> Iterator[Problem]:
    for detail in error.errors(include_url=False, include_input=False):
        path: Path = detail["loc"]
        context = detail.get("ctx", {})
        if detail["type"] == "conflict":
            found = [
                (path + key, item.message) for item in context["conflicts"] for key in item.keys
            ]
        else:
            found = [(path, _message(detail["type"], path, context) or detail["msg"])]
        for key, message in found:
            yield Problem(document.name, document.line(key), show_path(key), message)


def _message(kind: str, path: Path, context: Mapping[str, Any]) -> str | None:
    if kind == "extra_forbidden":
        fields = _SECTIONS[path[:-1]].model_fields
        allowed = ", ".join(known.alias or name for name, known in fields.items())
        return _UNSUPPORTED.get(path) or f"unknown key; allowed: {allowed}"
    if kind == "value_error":
        return str(context["error"])
    if kind == "literal_error":
        return f"must be {context['expected']}"
    return _MESSAGES.get(kind)


def _by_line(problem: Problem) -> int:
    return problem.line
