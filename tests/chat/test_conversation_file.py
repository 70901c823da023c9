import json
from pathlib import Path

import pytest

from xverse_chat.chat.backend import Message
from xverse_chat.chat.conversation_file import (
    MAX_FILE_BYTES,
    parse_conversation,
    read_conversation,
)
from xverse_chat.errors import DataError, UsageError


def test_a_conversation_is_read_with_unknown_keys_ignored(tmp_path: Path) -> None:
    path = tmp_path / "talk.json"
    path.write_text(
        json.dumps(
            [
                {"role": "system", "content": "简短"},
                {"role": "user", "content": "你好", "name": "x"},
            ]
        ),
        encoding="utf-8",
    )
    assert read_conversation(path) == (Message("system", "简短"), Message("user", "你好"))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nothing\.json"):
        read_conversation(tmp_path / "nothing.json")


def test_a_huge_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "huge.json"
    with path.open("wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)
    with pytest.raises(DataError, match="16 MiB"):
        read_conversation(path)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"[{]", "line 1, column 3"),
        (b"\xff\xfe", "UTF-8"),
        (b"{}", "no list"),
        (b"[]", "no list"),
        (b"[1]", "Message 1"),
        (b'[{"role": "robot", "content": "a"}]', "robot"),
        (b'[{"role": ["user"], "content": "a"}]', "user"),
        (b'[{"role": "user", "content": " "}]', "no text"),
        (b'[{"role": "user", "content": null}]', "no text"),
        (b'[{"role": "assistant", "content": "a"}]', "assistant"),
        (b"[" * 100_000, "JSON"),
        (b"9" * 10_000, "JSON"),
    ],
)
def test_what_is_no_conversation_is_refused_saying_where(content: bytes, told: str) -> None:
    with pytest.raises(DataError, match=told):
        parse_conversation(content, source="talk.json")


def test_lone_surrogates_become_replacement_characters() -> None:
    messages = parse_conversation(rb'[{"role": "user", "content": "a\ud800"}]', source="x")
    assert messages[0].content == "a\ufffd"
