"""A table of experiments on a loopback port that answers, and charges, as DynamoDB does.

It is the peer's side of `experiments.py`: pages of 1 MB are put together from items that are
encoded already, so that its own time hardly counts. It ends when its standard input does.
"""

from __future__ import annotations

import json
import math
import sys
import threading
from bisect import bisect_left
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PAGE_BYTES = 1_000_000
UNIT_BYTES = 4096
BEGIN = 1_760_000_000
MINUTE = 60


def write_item(number: int, size: int, status: str = "completed") -> dict[str, Any]:
    """Return an item of about ``size`` bytes, one a minute, with types."""
    metrics = {"bitrate_mbps": 3 + number % 700 / 50, "psnr_db": 38.5, "ssim": 0.97}
    experiments = [{"real_metrics": metrics, "code": ""}]
    empty = len(json.dumps(experiments)) + 120
    experiments[0]["code"] = "x" * max(0, size - empty)
    item = {
        "id": {"S": f"experiment-{number:09}"}, "kind": {"S": "run"}, "status": {"S": status},
        "timestamp": {"N": str(BEGIN + MINUTE * number)},
    }  # fmt: skip
    if status == "completed":
        item["experiments"] = {"S": json.dumps(experiments)}
    return item


class Table:
    """The items in the order of their times, which is that of a scan too."""

    def __init__(self, count: int, size: int) -> None:
        self.times: list[int] = []
        self.items: list[bytes] = []
        self.places: dict[str, int] = {}
        for number in range(count):
            self.put(write_item(number, size))

    def put(self, item: dict[str, Any]) -> None:
        """Store an item in place of the one with its key, or as the newest."""
        place = self.places.setdefault(item["id"]["S"], len(self.items))
        if place == len(self.items):
            self.times.append(0)
            self.items.append(b"")
        self.times[place] = int(item["timestamp"]["N"])
        self.items[place] = json.dumps(item).encode()

    def page(self, body: dict[str, Any]) -> bytes:
        """Answer a scan, or a query for what is newer."""
        values = body.get("ExpressionAttributeValues", {})
        since = int(values[":since"]["N"]) if ":since" in values else 0
        begin = bisect_left(self.times, since) if since else 0
        if "ExclusiveStartKey" in body:
            begin = self.places[body["ExclusiveStartKey"]["id"]["S"]] + 1
        end, size = begin, 0
        last = min(len(self.items), begin + body.get("Limit", len(self.items)))
        while end < last and size < PAGE_BYTES:
            size += len(self.items[end])
            end += 1
        rest: dict[str, Any] = {
            "ScannedCount": end - begin, "ConsumedCapacity": {"CapacityUnits": charge([size])},
        }  # fmt: skip
        if end < len(self.items):
            key = json.loads(self.items[end - 1])
            rest["LastEvaluatedKey"] = {name: key[name] for name in ("id", "kind", "timestamp")}
        items = b",".join(self.items[begin:end])
        return b'{"Items": [' + items + b"], " + json.dumps(rest).encode()[1:]

    def get(self, body: dict[str, Any]) -> bytes:
        """Answer a request for items by their keys."""
        ((table, asked),) = body["RequestItems"].items()
        places = [self.places.get(key["id"]["S"]) for key in asked["Keys"]]
        found = [self.items[place] for place in places if place is not None]
        cost = json.dumps([{"CapacityUnits": sum(charge([len(item)]) for item in found)}])
        items = b",".join(found).decode()
        return (
            f'{{"Responses": {{{json.dumps(table)}: [{items}]}}, "ConsumedCapacity": {cost}}}'
        ).encode()

    def describe(self) -> bytes:
        """Answer what the table is like: its index ``by-time`` holds everything."""
        schema = [
            [{"AttributeName": name, "KeyType": kind} for name, kind in keys]
            for keys in ([("id", "HASH")], [("kind", "HASH"), ("timestamp", "RANGE")])
        ]
        types = {"id": "S", "kind": "S", "timestamp": "N"}
        table = {
            "KeySchema": schema[0],
            "AttributeDefinitions": [
                {"AttributeName": name, "AttributeType": kind} for name, kind in types.items()
            ],
            "GlobalSecondaryIndexes": [
                {"IndexName": "by-time", "KeySchema": schema[1],
                 "Projection": {"ProjectionType": "ALL"}}
            ],
        }  # fmt: skip
        return json.dumps({"Table": table}).encode()

    def answer(self, operation: str, body: dict[str, Any]) -> bytes:
        """Answer any request that the benchmark makes."""
        if operation == "DescribeTable":
            return self.describe()
        if operation == "PutItem":
            self.put(body["Item"])
            return b"{}"
        return self.get(body) if operation == "BatchGetItem" else self.page(body)


def charge(sizes: Iterable[int]) -> float:
    """Return the units of a read with eventual consistency."""
    return 0.5 * max(1, math.ceil(sum(sizes) / UNIT_BYTES))


def serve(table: Table) -> ThreadingHTTPServer:
    """Return a server that answers for a table."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            """Answer one request."""
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            data = table.answer(self.headers["X-Amz-Target"].partition(".")[2], body)
            self.send_response(200)
            self.send_header("Content-Type", "application/x-amz-json-1.0")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    return server


def main() -> None:
    """Serve a table of as many items of a size as the arguments say, and print the port."""
    count, size = map(int, sys.argv[1:3])
    server = serve(Table(count, size))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
