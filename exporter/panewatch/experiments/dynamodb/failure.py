"""Why AWS could not be asked, without anything of what it said."""

from __future__ import annotations

from typing import Final

from botocore import exceptions

from panewatch.experiments.source import SourceError

TRANSIENT: Final = frozenset({"throttled", "timeout", "unreachable", "server", "credentials"})
"""Reasons after which a reading goes on where it was: the table is the same still."""

_DETAILS: Final = {
    "absent": "the table or index does not exist",
    "access": "no permission for this request",
    "credentials": "there are no valid credentials",
    "throttled": "too many requests, or too much of the table's capacity is in use",
    "timeout": "no answer in time",
    "unreachable": "no connection",
    "server": "the service has an error",
    "invalid": "the service does not accept the request, or its answer makes no sense",
}

_CODES: Final = {
    "absent": ("ResourceNotFoundException", "TableNotFoundException"),
    "access": (
        "AccessDenied", "AccessDeniedException", "KMSAccessDeniedException",
        "UnauthorizedOperation",
    ),
    "credentials": (
        "ExpiredToken", "ExpiredTokenException", "IncompleteSignature",
        "IncompleteSignatureException", "InvalidAccessKeyId", "InvalidClientTokenId",
        "InvalidSignatureException", "MissingAuthenticationToken",
        "MissingAuthenticationTokenException", "NotAuthorized", "RequestExpired",
        "SignatureDoesNotMatch", "UnrecognizedClientException",
    ),
    "throttled": (
        "LimitExceededException", "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException", "RequestLimitExceeded", "SlowDown", "Throttling",
        "ThrottlingException", "TooManyRequestsException",
    ),
}  # fmt: skip
_REASONS: Final = {code: reason for reason, codes in _CODES.items() for code in codes}

_KINDS: Final[tuple[tuple[tuple[type[Exception], ...], str], ...]] = (
    ((exceptions.ConnectTimeoutError, exceptions.ReadTimeoutError), "timeout"),
    (
        (
            exceptions.NoCredentialsError, exceptions.PartialCredentialsError,
            exceptions.CredentialRetrievalError, exceptions.ProfileNotFound,
            exceptions.ConfigNotFound, exceptions.TokenRetrievalError,
            exceptions.SSOError, exceptions.UnknownCredentialError,
            exceptions.UnauthorizedSSOTokenError, exceptions.MetadataRetrievalError,
            exceptions.RefreshWithMFAUnsupportedError, exceptions.InvalidConfigError,
        ),
        "credentials",
    ),
    ((exceptions.ResponseStreamingError, exceptions.IncompleteReadError), "server"),
    (
        (
            exceptions.ConnectionError, exceptions.HTTPClientError,
            exceptions.EndpointConnectionError,
        ),
        "unreachable",
    ),
)  # fmt: skip


def explain(error: Exception) -> SourceError:
    """Return the failure that an error of boto3 stands for."""
    if isinstance(error, SourceError):
        return error
    if isinstance(error, exceptions.NoRegionError):
        return SourceError("credentials", "no region is set")
    reason = _read_code(error) if isinstance(error, exceptions.ClientError) else None
    if reason is None:
        reason = next((reason for kinds, reason in _KINDS if isinstance(error, kinds)), "invalid")
    return SourceError(reason, _DETAILS[reason])


def _read_code(error: exceptions.ClientError) -> str:
    answer = error.response
    code = str(answer.get("Error", {}).get("Code", ""))
    status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in _REASONS:
        return _REASONS[code]
    if code == "ValidationException" and "index" in str(answer["Error"].get("Message", "")).lower():
        return "absent"
    if status == 429:  # noqa: PLR2004  # HTTP's own number
        return "throttled"
    return "server" if status >= 500 else "invalid"  # noqa: PLR2004  # likewise
