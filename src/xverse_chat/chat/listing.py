"""What a list shows of a saved conversation, without reading all of it. Standard library only."""

import json
from dataclasses import dataclass
from typing import Any

from xverse_chat.chat.log import parse_header
from xverse_chat.chat.title import make_title
from xverse_chat.errors import DataError

# As json.dumps writes it. Inside a text the quotes would stand behind backslashes.
_NAME = b'"kind": "name"'
_QUESTION = b'"role": "user"'


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a list. Times in UTC as ``2026-11-24T13:59:55Z``; ``questions`` ever asked."""

    identity: str
    title: str
    created: str
    last_at: str
    questions: int
    model_id: str
    size_bytes: int


def peek(identity: str, content: bytes) -> Row | None:
    """Return the row of a conversation; None for a file that is none."""
    first, _, events = content.partition(b"\n")
    try:
        header = parse_header(first)
    except DataError:
        return None
    name = _field(_line_at(events, events.rfind(_NAME)), "name")
    question = _field(_line_at(events, events.find(_QUESTION)), "content")
    last = _line_at(events, len(events) - 2) if len(events) > 1 else b""
    return Row(
        identity=identity,
        title=name or make_title(question),
        created=header.created,
        last_at=_field(last, "at") or header.created,
        questions=events.count(_QUESTION),
        model_id=header.model_id,
        size_bytes=len(content),
    )


def _line_at(content: bytes, position: int) -> bytes:
    """Return the line that the byte at ``position`` is in; nothing where there is none."""
    if position < 0:
        return b""
    start = content.rfind(b"\n", 0, position) + 1
    end = content.find(b"\n", position)
    return content[start : end if end >= 0 else len(content)]


def _field(line: bytes, key: str) -> str:
    try:
        data: Any = json.loads(line)
    except (ValueError, RecursionError):
        return ""
    value = data.get(key) if isinstance(data, dict) else None
    return value if isinstance(value, str) else ""
