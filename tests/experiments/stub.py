"""A service that speaks as DynamoDB does: the pages of a table, or whatever a test wants."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Self

from experiments.tables import Attributes

DESCRIPTION = {
    "Table": {
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    }
}


class Answer(NamedTuple):
    """What is answered once: to ``operation``, or to any where that is empty."""

    body: Any
    status: int = 200
    operation: str = ""
    act: Callable[[], object] = lambda: None


def refuse(code: str, status: int = 400, operation: str = "", message: str = "") -> Answer:
    """Return the answer that is an error."""
    body = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": message}
    return Answer(body, status, operation)


class Stub:
    """A server on a free loopback port; use it in a ``with`` statement.

    It has one table whose ``items`` are in the order of a scan, ``page`` on each page; a page may
    be empty. What is in ``answers`` is said first.
    """

    def __init__(self) -> None:
        self.items: list[Attributes] = []
        self.page = 1000
        self.units: float | None = 0.5
        self.description: dict[str, Any] = DESCRIPTION
        self.answers: deque[Answer] = deque()
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.keys: list[str] = []
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                body = json.loads(self.rfile.read(length))
                operation = self.headers["X-Amz-Target"].partition(".")[2]
                stub.keys.append(self.headers["Authorization"].partition("Credential=")[2][:20])
                status, answer = stub.answer(operation, body)
                data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/x-amz-json-1.0")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def operations(self) -> list[str]:
        return [operation for operation, _ in self.requests]

    def answer(self, operation: str, body: dict[str, Any]) -> tuple[int, Any]:
        self.requests.append((operation, body))
        if self.answers and self.answers[0].operation in {"", operation}:
            answer = self.answers.popleft()
            answer.act()
            return answer.status, answer.body
        if operation == "DescribeTable":
            return 200, self.description
        if operation == "Scan":
            return 200, self._scan(body)
        return 400, {"__type": "ValidationException"}

    def _scan(self, body: dict[str, Any]) -> dict[str, Any]:
        begin = int(body.get("ExclusiveStartKey", {"id": {"S": "0"}})["id"]["S"])
        end = begin + min(self.page, body.get("Limit", self.page))
        page = [item for item in self.items[begin:end] if item]
        answer: dict[str, Any] = {"Items": page, "Count": len(page), "ScannedCount": end - begin}
        if end < len(self.items):
            answer["LastEvaluatedKey"] = {"id": {"S": str(end)}}
        if self.units is not None:
            answer["ConsumedCapacity"] = {"TableName": "t", "CapacityUnits": self.units * len(page)}
        return answer
