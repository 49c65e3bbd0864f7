"""Whatever bytes a program prints: nothing that steers a terminal leaves, no line is lost."""

from __future__ import annotations

import json
import os
import unicodedata
from pathlib import Path
from random import Random

import pytest

from panes.private_tmux import PrivateTmux, Puppet
from panes.watching import EAGER, Watch

RECORDINGS = Path(__file__).resolve().parents[2].parent / "shared" / "corpora" / "hostile"
STEERING = {"Cc", "Cf", "Cs", "Zl", "Zp"}
RESET = "\x1b[?1049l\x1b[!p\x1bc\x1b[r\x1b[?6l\x1b[4l\x1b(B\x1b)B\x0f\r\n"
"""Out of the alternate screen, scroll region, origin and insert mode and line drawing."""


def number(start: int, count: int) -> list[str]:
    return [f"line {n}" for n in range(start, start + count)]


def pour(puppet: Puppet, data: bytes) -> None:
    """Print ``data`` as it is; a JSON order could not hold bytes that are no UTF-8."""
    tty = os.open(puppet.tmux.ask("#{pane_tty}", puppet.pane), os.O_WRONLY | os.O_NOCTTY)
    try:
        while data:
            data = data[os.write(tty, data) :]
    finally:
        os.close(tty)


def settle(puppet: Puppet, asked: int = 0) -> None:
    """Wait until tmux has all that was poured, ``asked`` cursor reports of it among that."""
    # A device control string that was left open would swallow the question.
    pour(puppet, b"\x1b\\")
    for _ in range(asked + 1):
        puppet.show("")


def check_clean(watch: Watch) -> None:
    """Check that no line and no frame holds a character that steers."""
    for update in watch.witness.updates:
        for text in (*(line.text for line in update.lines), *update.frame.lines):
            assert not {unicodedata.category(character) for character in text} & STEERING
            text.encode()


def check_follows(puppet: Puppet, watch: Watch) -> None:
    """Check that numbered lines come once each after whatever was before."""
    puppet.show(RESET)
    watch.look()
    seen = len(watch.witness.texts(puppet.pane))
    for start in range(0, 60, 20):
        puppet.print(*number(start, 20))
        watch.look()
    fresh = watch.witness.texts(puppet.pane)[seen:]
    assert [line for line in fresh if line.startswith("line ")] == number(0, 60)
    check_clean(watch)


def test_random_bytes(tmux: PrivateTmux) -> None:
    puppet, watch = Puppet(tmux), Watch(tmux)
    random = Random(16)  # noqa: S311  # the same bytes each time
    for _ in range(6):
        data = random.randbytes(20_000)
        pour(puppet, data)
        watch.look()
        settle(puppet, data.count(b"\x1b[6n"))
        watch.look()
    check_follows(puppet, watch)


@pytest.mark.parametrize(
    "data",
    [
        b"a\x00b\x07c\x7fd\r\n",
        bytes(range(0x80, 0xA0)) + b"\r\n",
        b"split \xe6\xbc",
        b"\xff\xfe\xc3( lone \xed\xa0\x80 over \xc0\xaf\r\n",
        b"\x0eACS lqqk\x0f \x1b(0lqqk\x1b(B\r\n",
        "\u202eevil\u202c \u2066x\u2069 \u200bzero\ufeff\r\n".encode(),
        b"\x1b]0;a title\x07\x1b]2;b\x1b\\\x1b]8;;http://h/\x1b\\link\x1b]8;;\x1b\\\r\n",
        b"\x1b]52;c;c2VjcmV0\x07\x1b]777;notify;a;b\x07\x1bPq#0\x1b\\\x1b_apc\x1b\\\x1b^pm\x1b\\\r\n",
        b"\x9b31mred\x9d0;t\x9c \x90q\x9c\r\n",
        b"\x1b]0;never ended and more\r\nand more\r\n",
        b"\x1bPnever ended either \r\n",
        b"\x1bkname never ended",
        b"\x1b[999999999999;1;1;1;1H\x1b[99999X\x1b[1;2r\x1b[?6h\x1b[4h",
    ],
    ids=["controls", "c1", "split", "invalid", "acs", "bidi", "osc", "osc52", "8-bit",
         "open-osc", "open-dcs", "open-name", "modes"],
)  # fmt: skip
def test_strange_sequences(tmux: PrivateTmux, data: bytes) -> None:
    puppet, watch = Puppet(tmux), Watch(tmux)
    puppet.print("before")
    watch.look()
    pour(puppet, data)
    watch.look()
    settle(puppet)
    watch.look()
    assert watch.witness.texts(puppet.pane)[0] == "before"
    assert "c2VjcmV0" not in "".join(watch.witness.texts(puppet.pane))
    check_follows(puppet, watch)


def test_a_word_in_colours_is_whole(tmux: PrivateTmux) -> None:
    puppet, watch = Puppet(tmux), Watch(tmux)
    puppet.print("\x1b[1;31mERR\x1b[0mOR: \x1b[4mdi\x1b[24msk\x1b]8;;x\x1b\\ fu\x1b]8;;\x1b\\ll")
    watch.look()
    assert watch.witness.texts(puppet.pane) == ["ERROR: disk full"]


def test_a_flood_of_one_line_in_several_panes(tmux: PrivateTmux) -> None:
    puppets = [Puppet(tmux)]
    puppets += [Puppet.beside(tmux) for _ in range(4)]
    watch = Watch(tmux)
    watch.look()
    for _ in range(3):
        for puppet in puppets:
            puppet.print(*["ERROR: CUDA out of memory"] * 700)
        watch.look()
    for puppet in puppets:
        seen = watch.witness.texts(puppet.pane)
        assert set(seen) == {"ERROR: CUDA out of memory"}
        # Where a step of equal lines was dropped, the fewest that explain the rows count.
        assert 2100 - len(seen) in {0, 200}


def test_fast_cursor_rewrites_are_one_line(tmux: PrivateTmux) -> None:
    puppet, watch = Puppet(tmux), Watch(tmux)
    puppet.print("start")
    for step in range(10):
        puppet.show("".join(f"\r\x1b[2Kstep {step * 400 + n}" for n in range(400)))
        watch.look()
    puppet.show("\r\n")
    watch.look()
    assert watch.witness.texts(puppet.pane) == ["start", "step 3999"]


def test_a_very_long_line_is_cut_and_counted(tmux: PrivateTmux) -> None:
    puppet, watch = Puppet(tmux, history=5000), Watch(tmux)
    puppet.print("x" * 100_000, "after")
    watch.look()
    puppet.print("later")
    watch.look()
    assert watch.witness.texts(puppet.pane) == ["x" * 4096, "after", "later"]
    view = watch.view(puppet.pane)
    assert (view.truncated, view.lines, view.gaps) == (1, 3, 0)


def test_one_look_at_a_huge_history_is_bounded(tmux: PrivateTmux) -> None:
    puppet, watch = Puppet(tmux, history=100_000), Watch(tmux)
    puppet.print("first")
    watch.look()
    for start in range(0, 1_000_000, 100_000):
        puppet.show("".join(f"{n}\r\n" for n in range(start, start + 100_000)))
    watch.look()
    assert watch.witness.gaps(puppet.pane) == 1
    brought = watch.witness.texts(puppet.pane)[1:]
    assert len(brought) <= 20_100
    assert brought[-1] == "999999"
    puppet.print("last")
    watch.look()
    assert watch.witness.texts(puppet.pane)[1 + len(brought) :] == ["last"]


FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"


@pytest.mark.parametrize(
    "cell",
    ["漢", "e\u0301", FAMILY, "שלום ", "❤\ufe0f", "\U0001f1e9\U0001f1ea", "한", "ก็", "─"],
    ids=["wide", "combining", "zwj", "rtl", "variation", "flag", "hangul", "thai", "line"],
)
@pytest.mark.parametrize("width", [30, 31])
def test_a_wrapped_line_of_any_script_counts_once(tmux: PrivateTmux, cell: str, width: int) -> None:
    puppet, watch = Puppet(tmux, width=width), Watch(tmux)
    lines = [f"{n}:{cell * (n * 5 % 40)}ERROR {n}" for n in range(20)]
    for start in range(0, 20, 4):
        puppet.print(*lines[start : start + 4])
        watch.look()
    seen = watch.witness.texts(puppet.pane)
    assert [text.partition(":")[0] for text in seen] == [str(n) for n in range(20)]
    assert all(text.endswith(f"ERROR {n}") for n, text in enumerate(seen))
    assert watch.witness.gaps(puppet.pane) == 0
    check_clean(watch)


@pytest.mark.parametrize("name", sorted(path.name for path in RECORDINGS.glob("*/")) or ["none"])
def test_a_recording_passes(tmux: PrivateTmux, name: str) -> None:
    folder = RECORDINGS / name
    if not folder.is_dir():
        pytest.skip(f"no recordings at {RECORDINGS}")
    size = json.loads((folder / "size.json").read_text())
    puppet = Puppet(tmux, width=size["columns"], height=size["screen_lines"])
    watch = Watch(tmux)
    watch.look()
    data = (folder / "alacritty.recording").read_bytes()[:60_000]
    part = len(data) // 3 + 1
    for begin in range(0, len(data), part):
        pour(puppet, data[begin : begin + part])
        watch.look()
    settle(puppet, data.count(b"\x1b[6n") + data.count(b"\x1b[?6n"))
    watch.look()
    check_follows(puppet, watch)


def test_reading_again_adds_nothing(tmux: PrivateTmux) -> None:
    puppet, watch = Puppet(tmux), Watch(tmux)
    puppet.print(*number(0, 50))
    watch.look()
    capture_count = watch.view(puppet.pane).captures
    for _ in range(1000):
        panes = watch.sweeper._roster.panes
        watch.sweeper._rounds.read_due(panes.values(), panes.values(), bursts=False)
        for pane in panes.values():
            pane.pace.due = 0.0
    watch.look()
    view = watch.view(puppet.pane)
    assert view.captures >= capture_count + 1000
    assert (view.lines, view.gaps) == (50, 0)


def test_the_same_text_again_counts_again(tmux: PrivateTmux) -> None:
    puppet, watch = Puppet(tmux), Watch(tmux)
    puppet.print("ERROR: once")
    watch.look()
    puppet.print(*number(0, 100), "ERROR: once")
    watch.look()
    puppet.show("\x1b[H\x1b[2J")
    watch.look()
    puppet.print("ERROR: once")
    watch.look()
    assert watch.witness.texts(puppet.pane).count("ERROR: once") == 3


def test_wrapping_anew_brings_no_line(tmux: PrivateTmux) -> None:
    puppet, watch = Puppet(tmux, width=200), Watch(tmux)
    lines = [f"{n}: " + "word " * (n % 60) for n in range(120)]
    puppet.print(*lines)
    watch.look()
    for width in (80, 200, 80, 200):
        tmux.run("resize-window", "-t", puppet.pane, "-x", str(width), "-y", "24")
        watch.look()
    assert watch.witness.texts(puppet.pane) == [line.rstrip() for line in lines]
    assert watch.witness.gaps(puppet.pane) == 0


@pytest.mark.parametrize("locale", ["", "C", "POSIX", "tr_TR.UTF-8", "de_DE"])
def test_any_locale_reads_the_same(
    tmux: PrivateTmux, monkeypatch: pytest.MonkeyPatch, locale: str
) -> None:
    puppet = Puppet(tmux)
    tmux.run("rename-session", "-t", "main", "タイトル✓ İı")
    for variable in ("LANG", "LC_ALL", "LC_CTYPE", "LANGUAGE", "TERM"):
        monkeypatch.delenv(variable, raising=False)
    if locale:
        monkeypatch.setenv("LANG", locale)
        monkeypatch.setenv("LC_ALL", locale)
    watch = Watch(tmux, EAGER)
    puppet.print("größe 1,5 İstanbul 漢字 ✓")
    watch.look()
    assert watch.witness.texts(puppet.pane) == ["größe 1,5 İstanbul 漢字 ✓"]
    assert watch.view(puppet.pane).identity.session == "タイトル✓ İı"
