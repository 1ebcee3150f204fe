"""Reading what a VM printed."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from fedstack.localcloud.errors import CloudError
from fedstack.localcloud.logs import Line, Reader, directory_of


def add(path: Path, text: str) -> None:
    """Appends to a file, made with its directory."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(text)


def test_console_and_logs_and_no_line_twice(tmp_path: Path) -> None:
    add(tmp_path / "console.log", "one\n\nboot line\none\n")
    add(tmp_path / "root/var/log/appliance/boot.log", "boot line\n\nonly here\n")
    add(tmp_path / "root/var/log/appliance/other.txt", "no log\n")
    found = list(Reader(tmp_path).all_lines())
    assert found == [
        *(Line("console", text) for text in ("one", "", "boot line", "one")),
        *(Line("boot", text) for text in ("", "only here")),
    ]


def test_control_characters_and_broken_text_do_no_harm(tmp_path: Path) -> None:
    (tmp_path / "console.log").write_bytes(b"red \x1b[31m\tbell\x07 \xff\r\nunfinished")
    assert [line.text for line in Reader(tmp_path).all_lines()] == [
        "red \tbell? \N{REPLACEMENT CHARACTER}",
        "unfinished",
    ]


def test_a_file_that_begins_anew_is_read_from_its_start(tmp_path: Path) -> None:
    reader, console = Reader(tmp_path), tmp_path / "console.log"
    add(console, "first\n")
    assert [line.text for line in reader.new_lines()] == ["first"]
    console.rename(tmp_path / "console.log.1")
    add(console, "second\n")
    assert [line.text for line in reader.new_lines()] == ["second"]
    console.write_text("3\n")
    assert [line.text for line in reader.new_lines()] == ["3"]


def test_following_sees_files_that_come_later(tmp_path: Path) -> None:
    found: list[Line] = []
    seen = threading.Event()

    def follow() -> None:
        for line in Reader(tmp_path).follow():
            found.append(line)
            seen.set()
            if line.text == "last":
                return

    add(tmp_path / "console.log", "first\n")
    follower = threading.Thread(target=follow)
    follower.start()
    assert seen.wait(10)
    add(tmp_path / "root/var/log/deep/er/flower.log", "deep\n")
    add(tmp_path / "console.log", "la")
    add(tmp_path / "console.log", "st\n")
    follower.join(10)
    assert not follower.is_alive()
    assert [line.text for line in found if line.source == "console"] == ["first", "last"]


def test_no_cloud_at_all(tmp_path: Path) -> None:
    with pytest.raises(CloudError, match="there is no local cloud in"):
        directory_of(tmp_path, 0)
