"""What stands before a line's own text is taken away, and nothing of the text itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from panewatch.errors.prefix import strip_prefix

TEXT = "ModuleNotFoundError: No module named 'x'"


@pytest.mark.parametrize(
    "prefix",
    [
        "2024-03-15T21:06:26.2500000Z ",
        "2024-03-15T21:06:26Z ",
        "2024-03-15T21:06:26.123456+00:00 ",
        "2024-03-15 21:06:26 ",
        "2024-03-15 21:06:26,123 ",
        "2024-03-15 21:06:26,123 - ",
        "2024/03/15 21:06:26 ",
        "[2024-03-15 21:06:26] ",
        "[2024-03-15 21:06:26,123]: ",
        "[12:01:33] ",
        "12:01:33 ",
        "10:11:12.123456 ",
        "03 15 2024 12:01:33:",
        "build  Run tests  2024-03-15T21:06:26.25Z ",
        "test (3.11)  UNKNOWN STEP  2024-03-15T21:06:26.25Z ",
        "Build and Test  Run Tests  2024-03-15T21:06:26.2500000Z ",
        "Linux / x64 (GCC 13)    Set up: APT   2024-03-15T21:06:26.2500000Z ",
        "[pod/web-0/app] 2024-03-15T21:06:26.25Z ",
        "[task 2024-03-15T21:06:26.250Z] ",
        "[task 2024-03-15T21:06:26.250Z] 21:06:26     INFO -  ",
        "21:06:26  WARNING -  ",
        "Mar 15 12:00:01 host app[12]: ",
        "Mar  5 12:00:01 host systemd: ",
        "Mar  5 12:00:01 host kernel: [   12.345678] ",
        "[   12.345678] ",
        "[1234567.890123] ",
        "[rank3]: ",
        "[3]: ",
        "[default0]:",
        "(worker pid=12) ",
        "(RayTrainWorker pid=12, ip=10.0.0.1) ",
        "web_1  | ",
        "web-1 | ",
        "my-app.worker-12    | ",
        "  ⎿  ",
        "⎿ ",
        "│ ",
        "  └ ",
        "web_1 | [12:00:00] [rank0]: 2024-01-01 12:00:00 ",
    ],
)
def test_prefixes(prefix: str) -> None:
    assert strip_prefix(prefix + TEXT) == TEXT


@pytest.mark.parametrize(
    "line",
    [
        "",
        " ",
        TEXT,
        "    at com.acme.Main(Main.java:12)",
        '  File "/a/b.py", line 3, in <module>',
        "2024-03-15",
        "3:14:15",
        "12:00 pm",
        "[1] 4711",
        "[1]+  Killed                  python train.py",
        "(abc) def",
        "1 | int main()",
        "| name | value |",
        "note | cause",
        "Error: 12:00:00 was expected",
        "[W 12:00:00.123 NotebookApp] x",
        "[ 12%] Building CXX object a.o",
        "[12/34] Linking x",
        "192.168.0.1 - - [15/Mar/2024:21:06:26 +0000] GET / 500",
        "https://example.org:8080/path",
        "make[1]: *** [all] Error 1",
        "-- [E006] Not Found Error: Cart.scala:7:5 -----",
    ],
)
def test_lines_that_stay_whole(line: str) -> None:
    assert strip_prefix(line) == line


def test_a_dash_that_belongs_to_the_text_stays() -> None:
    assert strip_prefix("2024-03-15T21:06:26Z -- [E006] Error: a") == "-- [E006] Error: a"
    assert strip_prefix("2024-03-15 21:06:26 -1 is no size") == "-1 is no size"


def test_blanks_of_the_text_stay() -> None:
    assert strip_prefix("[rank0]:   File x") == "  File x"
    assert strip_prefix("2024-03-15T21:06:26Z     return 1") == "    return 1"


@given(st.text(alphabet="0123456789:-.TZ[]() |⎿ab ", max_size=200))
def test_what_is_left_is_the_end_of_the_line(line: str) -> None:
    assert line.endswith(strip_prefix(line))
