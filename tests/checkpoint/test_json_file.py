from pathlib import Path

import pytest

from xverse_chat.checkpoint.json_file import read_json
from xverse_chat.errors import DataError


def test_an_object_is_read_with_or_without_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_bytes(b'\xef\xbb\xbf{"a": "\xe4\xbd\xa0"}')
    assert read_json(path) == {"a": "你"}


@pytest.mark.parametrize(
    "content", [b"", b"[1]", b"{", b"\xff\xfe", b"<html>", b"[" * 100_000, b'{"a": 1}' * 9]
)
def test_what_is_no_object_is_refused_with_the_files_name(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"config\.json"):
        read_json(path)


def test_a_file_too_large_is_not_parsed(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_bytes(b"{" + b" " * (2**20) + b"}")
    with pytest.raises(DataError, match="larger than 1 MiB"):
        read_json(path, max_bytes=2**20)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"has no config\.json"):
        read_json(tmp_path / "config.json")
