"""Settings → a client of DynamoDB that never waits for long."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol, TypeVar

import boto3
from botocore.config import Config

from panewatch.experiments.dynamodb.failure import explain
from panewatch.experiments.settings import DynamoDbSettings

CONNECT_SECONDS: Final = 3
READ_SECONDS: Final = 5
"""How long one request waits for a connection, and for an answer."""

_EARLY: Final = 300.0
"""Seconds before its end at which a role is taken on anew."""

_SESSION_NAME: Final = "panewatch"

_TALKATIVE: Final = ("boto3", "botocore", "urllib3")
"""Libraries that log what AWS answered: names of roles, accounts, addresses."""

T = TypeVar("T")


class Client(Protocol):
    """What is used of boto3's low-level client of DynamoDB; it gives attributes with types."""

    def describe_table(self, **arguments: Any) -> dict[str, Any]:
        """Return what is known of a table."""

    def scan(self, **arguments: Any) -> dict[str, Any]:
        """Return a page of all items."""

    def query(self, **arguments: Any) -> dict[str, Any]:
        """Return a page of the items of one partition."""

    def batch_get_item(self, **arguments: Any) -> dict[str, Any]:
        """Return items by their keys."""

    def batch_write_item(self, **arguments: Any) -> dict[str, Any]:
        """Put and delete items."""

    def close(self) -> None:
        """Close the connections."""


@dataclass(frozen=True)
class Opened:
    """A client, and until when its credentials hold, in Unix time; None: it knows itself."""

    client: Client
    until: float | None = None

    def is_stale(self, now: float) -> bool:
        """Tell whether another client has to be opened."""
        return self.until is not None and now >= self.until - _EARLY


def open_client(settings: DynamoDbSettings) -> Opened:
    """Return a client as the settings say, otherwise as the AWS settings of this user do.

    One request takes at most `CONNECT_SECONDS` and `READ_SECONDS`, and is not sent again:
    whoever reads decides when. The credentials of the user are read anew for each client.

    Raises:
        SourceError: there are no credentials, no region, or the role cannot be taken on.
    """
    for name in _TALKATIVE:
        logging.getLogger(name).propagate = False
    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        # Its adaptive mode would sleep for seconds while it sends.
        retries={"mode": "standard", "total_max_attempts": 1},
        max_pool_connections=1,
        user_agent_extra="panewatch",
    )
    return call(lambda: _open(settings, config))


def call(action: Callable[[], T]) -> T:
    """Return what ``action`` gives, which asks AWS.

    Raises:
        SourceError: it failed; nothing of the error's own text is kept.
    """
    try:
        return action()
    except Exception as error:  # noqa: BLE001  # botocore lets through whatever a bad answer causes
        failure = explain(error)
    # Outside of the handler: the error that is raised must not carry the other one along.
    raise failure


def _open(settings: DynamoDbSettings, config: Config) -> Opened:
    session = boto3.Session(profile_name=settings.profile, region_name=settings.region)
    if settings.role_arn is None:
        return Opened(_connect(session, settings, config))
    sts = session.client("sts", config=config)
    try:
        given = sts.assume_role(RoleArn=settings.role_arn, RoleSessionName=_SESSION_NAME)
    finally:
        sts.close()
    credentials = given["Credentials"]
    session = boto3.Session(
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
        region_name=session.region_name,
    )
    ends: datetime = credentials["Expiration"]
    return Opened(_connect(session, settings, config), ends.timestamp())


def _connect(session: Any, settings: DynamoDbSettings, config: Config) -> Client:
    client: Client = session.client("dynamodb", endpoint_url=settings.endpoint, config=config)
    return client
