from __future__ import annotations

import asyncio
import base64
import re
import threading
from typing import TYPE_CHECKING

import bcrypt
import psutil
import pytest

from panewatch.authentication import CACHE_SIZE, MAX_CHECKS, BasicAuthentication, Verdict
from polling import wait_until
from server.serving import TEXT, Running

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Serve = Callable[..., Running]


def encode(user: str, password: bytes | str) -> str:
    secret = password.encode() if isinstance(password, str) else password
    return "Basic " + base64.b64encode(user.encode() + b":" + secret).decode()


def hash_password(password: bytes, cost: int = 4) -> bytes:
    return bcrypt.hashpw(password, bcrypt.gensalt(cost))


def write_users(path: Path, **passwords: bytes) -> str:
    lines = [f"  {name}: '{hash_password(word).decode()}'" for name, word in passwords.items()]
    path.write_text("\n".join(["basic_auth_users:", *lines]))
    return str(path)


def check(users: dict[str, bytes], *headers: str) -> list[Verdict]:
    async def run() -> list[Verdict]:
        basic = BasicAuthentication()
        return [await basic.check(header, users) for header in headers]

    return asyncio.run(run())


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The hashes that passwords were compared with, in order."""
    hashes: list[bytes] = []
    compare = bcrypt.checkpw

    def note(password: bytes, hashed: bytes) -> bool:
        hashes.append(hashed)
        return compare(password, hashed)

    monkeypatch.setattr(bcrypt, "checkpw", note)
    return hashes


@pytest.fixture
def running(serve: Serve, tmp_path: Path) -> Running:
    return serve(config_file=write_users(tmp_path / "web.config.yml", alice=b"right"))


def test_a_password_is_asked_for_on_every_path(running: Running) -> None:
    for path in ("/metrics", "/", "/-/healthy", "/-/ready", "/nothing"):
        answer = running.get(path)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == 'Basic realm="panewatch", charset="UTF-8"'
        assert TEXT not in answer.content
    assert running.counter("http_requests_rejected_total", reason="unauthorized") == 5
    assert running.counter("http_requests_total", path="/metrics", code="401") == 1


def test_the_right_password_opens(running: Running) -> None:
    answer = running.get("/metrics", Authorization=encode("alice", "right"))
    assert answer.content == TEXT


@pytest.mark.parametrize(
    "header",
    [
        "", "Basic", "Basic !!!", "Basic YWxpY2U=", "Bearer cmlnaHQ=", encode("alice", "wrong"),
        encode("alice", ""), encode("", "right"), encode("bob", "right"), encode("ALICE", "right"),
        encode("alice", b"right\0"), encode("alice", b"\xff\xfe"), "Basic /////w==",
        encode("alice", "right ") , encode("alice", b"right" * 1000),
    ],
)  # fmt: skip
def test_anything_else_does_not(running: Running, header: str) -> None:
    assert running.get("/metrics", Authorization=header).status_code == 401


def test_the_scheme_has_no_case() -> None:
    header = encode("alice", "right").replace("Basic", "bAsIc")
    assert check({"alice": hash_password(b"right")}, header) == [Verdict.ALLOWED]


def test_only_the_first_72_bytes_of_a_password_count_as_everywhere_with_bcrypt() -> None:
    users = {"alice": hash_password(b"x" * 72)}
    verdicts = check(users, encode("alice", "x" * 100), encode("alice", "x" * 71))
    assert verdicts == [Verdict.ALLOWED, Verdict.DENIED]


@pytest.mark.parametrize("prefix", [b"$2a$", b"$2b$", b"$2y$"])
def test_every_common_form_of_hash_is_known(prefix: bytes) -> None:
    users = {"alice": prefix + hash_password(b"right")[4:]}
    assert check(users, encode("alice", "right")) == [Verdict.ALLOWED]


def test_a_right_password_is_computed_once(running: Running, checked: list[bytes]) -> None:
    for _ in range(20):
        answer = running.get("/metrics", Authorization=encode("alice", "right"))
        assert answer.status_code == 200
    assert len(checked) == 1


def test_a_wrong_password_is_computed_every_time_and_not_kept(checked: list[bytes]) -> None:
    users = {"alice": hash_password(b"right")}

    async def run() -> int:
        basic = BasicAuthentication()
        for _ in range(5):
            assert await basic.check(encode("alice", "wrong"), users) is Verdict.DENIED
        return basic.remembered

    assert asyncio.run(run()) == 0
    assert len(checked) == 5


def test_an_unknown_user_costs_what_a_known_one_costs(checked: list[bytes]) -> None:
    users = {"alice": hash_password(b"right"), "bob": hash_password(b"other", 5)}
    headers = [encode(f"nobody{number}", "right") for number in range(20)]
    assert set(check(users, *headers, *headers)) == {Verdict.DENIED}
    # Each against the hash of one of the users, the same name always against the same.
    assert set(checked) == set(users.values())
    assert checked[:20] == checked[20:]


def test_an_unknown_user_with_a_users_password_stays_out() -> None:
    users = {"alice": hash_password(b"right")}
    right, unknown = encode("alice", "right"), encode("mallory", "right")
    expected = [Verdict.ALLOWED, Verdict.DENIED, Verdict.DENIED, Verdict.ALLOWED]
    assert check(users, right, unknown, unknown, right) == expected


def test_what_is_remembered_is_bounded_and_holds_no_password() -> None:
    hashed = hash_password(b"right")

    async def run() -> BasicAuthentication:
        basic = BasicAuthentication()
        for number in range(CACHE_SIZE + 20):
            name = f"user{number}"
            header = encode(name, "right")
            assert await basic.check(header, {name: hashed}) is Verdict.ALLOWED
        return basic

    basic = asyncio.run(run())
    assert basic.remembered == CACHE_SIZE
    assert b"right" not in b"".join(basic._right)


def test_equal_questions_share_one_check_and_too_many_are_turned_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    go_on = threading.Event()
    running: list[int] = []

    def wait(_password: bytes, _hashed: bytes) -> bool:
        running.append(1)
        assert go_on.wait(20)
        running.pop()
        return True

    monkeypatch.setattr(bcrypt, "checkpw", wait)
    users = {"alice": b"hash"}

    async def run() -> tuple[list[Verdict], Verdict, int]:
        basic = BasicAuthentication()
        same = [basic.check(encode("alice", "same"), users) for _ in range(50)]
        others = [
            basic.check(encode("alice", f"other{number}"), users)
            for number in range(MAX_CHECKS - 1)
        ]
        waiting = asyncio.gather(*same, *others)
        await asyncio.sleep(0)
        one_more = await basic.check(encode("alice", "one more"), users)
        await asyncio.to_thread(wait_until, lambda: running)
        at_once = len(running)
        go_on.set()
        return await waiting, one_more, at_once

    verdicts, one_more, at_once = asyncio.run(run())
    assert set(verdicts) == {Verdict.ALLOWED}
    assert one_more is Verdict.BUSY
    assert at_once == 1


def test_a_check_survives_the_client_that_asked_first() -> None:
    users = {"alice": hash_password(b"right", 8)}

    async def run() -> Verdict:
        basic = BasicAuthentication()
        first = asyncio.create_task(basic.check(encode("alice", "right"), users))
        second = asyncio.create_task(basic.check(encode("alice", "right"), users))
        await asyncio.sleep(0)
        first.cancel()
        return await second

    assert asyncio.run(run()) is Verdict.ALLOWED


def test_users_change_with_the_file(running: Running, tmp_path: Path) -> None:
    right, new = encode("alice", "right"), encode("alice", "new")
    assert running.get("/metrics", Authorization=right).status_code == 200
    write_users(tmp_path / "web.config.yml", alice=b"new")
    assert running.get("/metrics", Authorization=right).status_code == 401
    assert running.get("/metrics", Authorization=new).status_code == 200
    write_users(tmp_path / "web.config.yml", bob=b"new")
    assert running.get("/metrics", Authorization=new).status_code == 401
    (tmp_path / "web.config.yml").write_text("basic_auth_users:\n  bob: plain\n")
    bob = encode("bob", "new")
    assert running.get("/metrics", Authorization=bob).status_code == 200
    assert running.get("/metrics").status_code == 401


def test_waiting_for_a_check_takes_no_place(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_users(tmp_path / "web.config.yml", alice=b"right")
    running = serve(config_file=path, max_requests=1)
    right = {"Authorization": encode("alice", "right")}
    assert running.get("/metrics", **right).status_code == 200
    begun, go_on = threading.Event(), threading.Event()

    def wait(_password: bytes, _hashed: bytes) -> bool:
        begun.set()
        return not go_on.wait(20)

    monkeypatch.setattr(bcrypt, "checkpw", wait)
    wrong = f"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: {encode('alice', 'wrong')}\r\n\r\n"
    with running.connect() as first, running.connect() as second:
        for client in (first, second):
            client.sendall(wrong.encode())
        assert begun.wait(10)
        assert running.get("/metrics", **right).status_code == 200
        go_on.set()
        for client in (first, second):
            assert client.recv(1000).startswith(b"HTTP/1.1 401 ")


def guess(running: Running, tally: dict[bytes, int]) -> None:
    """Send 500 wrong passwords, all different, on one connection."""
    with running.connect() as client:
        for batch in range(10):
            words = [f"wrong {threading.get_ident()} {batch} {number}" for number in range(50)]
            head = "GET /metrics HTTP/1.1\r\nHost: x\r\nAuthorization: {}\r\n\r\n"
            client.sendall("".join(head.format(encode("alice", word)) for word in words).encode())
            answers = b""
            while len(re.findall(rb"\r\n\r\n[a-z ]+\n", answers)) < 50:
                answers += client.recv(65536)
            for code in re.findall(rb"HTTP/1.1 (\d+)", answers):
                tally[code] = tally.get(code, 0) + 1


def test_10_000_wrong_passwords_cost_bounded_memory_and_lock_nobody_out(
    running: Running,
) -> None:
    right = {"Authorization": encode("alice", "right")}
    assert running.get("/metrics", **right).status_code == 200
    before = psutil.Process().memory_info().rss
    tallies: list[dict[bytes, int]] = [{} for _ in range(20)]
    guessers = [threading.Thread(target=guess, args=(running, tally)) for tally in tallies]
    for guesser in guessers:
        guesser.start()
    scrapes = 0
    while busy := [guesser for guesser in guessers if guesser.is_alive()]:
        busy[0].join(0.2)
        assert running.get("/metrics", **right).status_code == 200
        scrapes += 1
    total: dict[bytes, int] = {}
    for tally in tallies:
        for code, count in tally.items():
            total[code] = total.get(code, 0) + count
    assert sum(total.values()) == 10_000
    assert set(total) <= {b"401", b"503"}
    assert scrapes > 0
    assert running.server._app._authentication.remembered == 1
    assert psutil.Process().memory_info().rss - before < 50_000_000
    assert running.get("/metrics", Authorization=encode("alice", "wrong")).status_code == 401
    unauthorized = running.counter("http_requests_rejected_total", reason="unauthorized")
    assert unauthorized == total[b"401"] + 1
