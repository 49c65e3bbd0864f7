"""Tables of DynamoDB to read: moto over HTTP, and a stub that answers whatever a test wants."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from functools import cache

import pytest
from botocore import loaders, session
from hypothesis import settings
from moto.server import ThreadedMotoServer

from experiments.stub import Stub
from experiments.tables import Tables

# A slow machine is no fault: no example has to be done in a fifth of a second.
settings.register_profile("patient", parent=settings(), deadline=None)
settings.load_profile("patient")


@pytest.fixture(scope="session", autouse=True)
def one_loader() -> Iterator[None]:
    """Read what boto3 knows of the services once for all clients: that takes it long."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session, "create_loader", cache(loaders.create_loader))
        yield


@pytest.fixture(scope="session")
def moto_address() -> Iterator[str]:
    """The address of a DynamoDB, and of an STS, that keeps everything in memory."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials and a region that no file or machine has a say in."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {
        "AWS_ACCESS_KEY_ID": "AKIACANARYKEY0000001",
        "AWS_SECRET_ACCESS_KEY": "canary-secret",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": "/nonexistent/config",
        "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent/credentials",
        "NO_PROXY": "127.0.0.1",
    }.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def tables(moto_address: str, aws: None) -> Iterator[Tables]:  # noqa: ARG001  # it sets the environment
    """What makes and fills tables in moto."""
    made = Tables(moto_address)
    yield made
    made.close()


@pytest.fixture
def stub(aws: None) -> Iterator[Stub]:  # noqa: ARG001  # likewise
    """A service that says what the test wants."""
    with Stub() as server:
        yield server
