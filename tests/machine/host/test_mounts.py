"""Which filesystems are found in the table of mounts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from machine.host.machines import MOUNTS, SHOWN, describe_mount
from panewatch.machine.host.mounts import parse_mounts

IGNORED = ("/dev", "/var/lib/docker")


def find(table: str, most: int = 50) -> list[str]:
    return [mount.label for mount in parse_mounts(table.encode(), IGNORED, most).shown]


def test_the_machine_of_the_tests() -> None:
    found = parse_mounts(MOUNTS.encode(), IGNORED, 50)
    assert sorted(mount.label for mount in found.shown) == sorted(SHOWN)
    assert {mount.label for mount in found.shown if mount.readonly} == {"/media/old"}
    assert [mount.local for mount in found.shown] == [True, True, False, False]
    assert found.dropped == 0


def test_paths_that_are_left_out_are_whole_names() -> None:
    table = describe_mount("8:1", "/dev", "ext4") + describe_mount("8:2", "/development", "ext4")
    assert find(table) == ["/development"]


def test_one_filesystem_in_several_places_is_told_where_its_root_is() -> None:
    table = (
        describe_mount("8:1", "/a", "ext4", root="/part")
        + describe_mount("8:1", "/long/path", "ext4")
        + describe_mount("8:1", "/longer/path", "ext4")
    )
    assert find(table) == ["/long/path"]


def test_what_another_was_mounted_over_cannot_be_asked() -> None:
    table = describe_mount("8:1", "/a", "ext4") + describe_mount("0:9", "/a", "proc")
    assert find(table) == []


def test_an_overlay_is_the_root_of_a_container_or_nothing() -> None:
    table = describe_mount("0:1", "/", "overlay") + describe_mount("0:2", "/x", "overlay")
    assert find(table) == ["/"]


def test_those_that_were_first_are_shown() -> None:
    table = "".join(describe_mount(f"8:{n}", f"/m{n}", "ext4") for n in range(5))
    found = parse_mounts(table.encode(), (), 2)
    assert [mount.label for mount in found.shown] == ["/m0", "/m1"]
    assert found.dropped == 3


def test_escapes_are_undone_for_asking_and_cleaned_for_showing() -> None:
    (mount,) = parse_mounts(
        describe_mount("8:1", "/a\\040b\\012\\134c\\777", "ext4").encode(), (), 9
    ).shown
    assert mount.path == b"/a b\n\\c\xff"
    assert mount.label == "/a b\\c\ufffd"


@given(st.binary(max_size=300))
def test_no_table_is_too_strange(text: bytes) -> None:
    table = MOUNTS.encode() + text + b"\n30 1 8:9 / /" + text + b" rw - ext4 none rw\n"
    found = parse_mounts(table, IGNORED, 3)
    assert len(found.shown) == 3
    assert all(mount.label.isprintable() for mount in found.shown)
    assert len({mount.label for mount in found.shown}) == 3
