import os
from pathlib import Path

import pytest

from xverse_chat.chat.attachment import (
    MAX_ATTACHED_BYTES,
    check_together,
    encoding_notes,
    parse_attachment,
    put_before,
    read_attachment,
)
from xverse_chat.errors import DataError, DiskError, UsageError


def test_files_stand_under_their_names_before_the_question(tmp_path: Path) -> None:
    first, second = tmp_path / "a.txt", tmp_path / "b.py"
    first.write_text("\n第一行\r\n第二行\n\n", encoding="utf-8")
    second.write_text("print(1)\n", encoding="utf-8")
    attachments = [read_attachment(first), read_attachment(second)]
    assert put_before(attachments, "这是什么？") == (
        f"===== {first} =====\n第一行\n第二行\n\n===== {second} =====\nprint(1)\n\n这是什么？"
    )
    assert put_before(attachments[1:], "") == f"===== {second} =====\nprint(1)"
    assert put_before([], "只有问题") == "只有问题"


def test_a_name_cannot_make_lines_of_its_own() -> None:
    attachment = parse_attachment(b"x", name="a\n===== b\x1b[2J")
    assert attachment.under_header == "===== a\ufffd===== b\ufffd[2J =====\nx"


def test_a_guessed_encoding_is_told() -> None:
    plain = parse_attachment("说明".encode(), name="a.txt")
    old = parse_attachment("这是说明".encode("gbk"), name="b.txt")
    assert encoding_notes([plain, old]) == ["b.txt was read as GB18030."]


def test_a_file_that_is_not_there_a_folder_and_a_picture_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"There is no file .*nothing\.txt"):
        read_attachment(tmp_path / "nothing.txt")
    with pytest.raises(UsageError, match="is a folder"):
        read_attachment(tmp_path)
    picture = tmp_path / "a.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n\0\0")
    with pytest.raises(DataError, match="neither UTF-8 nor GB18030"):
        read_attachment(picture)


def test_a_file_that_cannot_be_read_tells_why(tmp_path: Path) -> None:
    path = tmp_path / "loop"
    path.symlink_to(path)
    with pytest.raises(DiskError, match="cannot be read"):
        read_attachment(path)


def test_sizes_are_limited_alone_and_together(tmp_path: Path) -> None:
    path = tmp_path / "large.txt"
    path.write_bytes(b"x" * MAX_ATTACHED_BYTES)
    attachment = read_attachment(path)
    check_together([attachment])
    with pytest.raises(DataError, match=r"The 2 files have 2\.0 MiB together; .* 1 MiB at most"):
        check_together([attachment, attachment])
    os.truncate(path, 2**40)  # sparse: read to the limit, never whole
    with pytest.raises(DataError, match="larger than 1 MiB"):
        read_attachment(path)
