import gzip
import zlib

import pytest

from panewatch.exposition import render
from panewatch.snapshot import Format, Joiner, Snapshot
from runner.collectors import gauge

FORMATS = [Format(openmetrics, packed) for openmetrics in (False, True) for packed in (False, True)]


def snapshot(*names: str) -> Snapshot:
    return Snapshot([render(gauge(name, pane="タイトル" * 50)) for name in names])


@pytest.mark.parametrize("wanted", FORMATS)
@pytest.mark.parametrize("settled", [(), ("a",), ("a", "b", "c")])
def test_parts_join_to_one_answer(wanted: Format, settled: tuple[str, ...]) -> None:
    parts = [snapshot(f"{name}1", f"{name}2") for name in settled]
    joiner = Joiner()
    for last in (snapshot("z"), snapshot("z", "zz"), Snapshot()):
        answer = joiner.join((*parts, last), wanted)
        text = gzip.decompress(answer) if wanted.gzip else answer
        plain = Format(wanted.openmetrics, gzip=False)
        end = b"# EOF\n" if wanted.openmetrics else b""
        assert text == b"".join(part.encode(plain) for part in (*parts, last)) + end
        if wanted.gzip:  # one member: not every client reads on after the first
            unpacker = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
            unpacker.decompress(answer)
            assert unpacker.eof
            assert unpacker.unused_data == b""


def test_the_checksum_follows_the_snapshots() -> None:
    joiner = Joiner()
    for name in ("a", "b", "a"):
        answer = joiner.join((snapshot(name), Snapshot()), Format(openmetrics=False, gzip=True))
        assert f"\n{name}{{".encode() in gzip.decompress(answer)


def test_bytes_are_made_once() -> None:
    part = snapshot("a")
    wanted = Format(openmetrics=True, gzip=True)
    assert part.encode(wanted) is part.encode(wanted)
    assert part.deflate(wanted) is part.deflate(wanted)


@pytest.mark.parametrize("wanted", FORMATS)
def test_what_was_asked_for_is_made_ahead(wanted: Format) -> None:
    before, after, later = snapshot("a"), snapshot("b"), snapshot("c")
    Joiner().join((before, Snapshot()), wanted)
    after.prepare_like(before)
    assert set(after._encoded) == {wanted.openmetrics}
    assert set(after._deflated) == ({wanted.openmetrics} if wanted.gzip else set())
    later.prepare_like(after)  # nobody asked for the one between
    assert not later._encoded
