"""A saved conversation as bytes: one line of JSON about it, then one for each event.

Standard library only. Lines are only ever added, each one onto the disk before the next, so that
a crash can leave one unfinished line at the end and nothing else that is wrong.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from xverse_chat.chat.clean import clean_text
from xverse_chat.chat.clock import now
from xverse_chat.chat.events import Event, event_from_json, event_to_json
from xverse_chat.errors import DataError
from xverse_chat.wording import say

FORMAT = "xverse-chat conversation"
VERSION = 1
MAX_LOG_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Header:
    """What the first line says. ``created`` in UTC; ``program`` is the version that began it."""

    identity: str
    created: str
    model_id: str
    program: str


@dataclass(frozen=True, slots=True)
class Log:
    """What a file holds: its first ``written`` events are whole in its first ``size_bytes``.

    ``is_torn`` when behind them there is the beginning of a line that was never finished.
    """

    header: Header
    events: tuple[Event, ...]
    written: int
    size_bytes: int
    is_torn: bool


def header_line(header: Header) -> bytes:
    """Return the first line of a file."""
    return _line(
        {
            "format": FORMAT,
            "version": VERSION,
            "id": header.identity,
            "created": header.created,
            "model": header.model_id,
            "program": header.program,
        }
    )


def event_line(event: Event, number: int) -> bytes:
    """Return the line of the ``number``-th event, from 1."""
    return _line({"n": number, "at": now(), **event_to_json(event)})


def parse_header(line: bytes) -> Header:
    """Return what a first line says.

    Raises DataError, without the name of the file, for one that xverse-chat did not write.
    """
    data = _object(line)
    if data is None or data.get("format") != FORMAT:
        raise DataError(say("it is no conversation of xverse-chat"))
    version = data.get("version")
    if version != VERSION:
        raise DataError(
            say(
                "it has version {version!r} of the format, and this program knows version {known}",
                version=version,
                known=VERSION,
            ),
            hint=say("A newer version of xverse-chat wrote it: use that one. Nothing was changed."),
        )
    values = [data.get(key) for key in ("id", "created", "model", "program")]
    texts = [value for value in values if isinstance(value, str)]
    if len(texts) != len(values):
        raise DataError(say("its first line is damaged"))
    return Header(*texts)


def parse_log(content: bytes) -> Log:
    """Return what a file holds. Raises DataError, without the name of the file, where it cannot.

    Only the last line may be unfinished; one that is whole but for its end counts, and is to be
    written again.
    """
    first, end, rest = content.partition(b"\n")
    header = parse_header(first)
    if not end:
        raise DataError(say("its first line is damaged"))
    size = len(first) + len(end)
    events: list[Event] = []
    lines = rest.split(b"\n")
    last = lines.pop()
    for position, line in enumerate(lines):
        number = len(events) + 1
        data = _object(line)
        if data is None or data.get("n") != number:
            if not last and position == len(lines) - 1 and data is None:
                return Log(header, tuple(events), len(events), size, is_torn=True)
            raise DataError(say("line {number} is damaged", number=number + 1))
        events.append(_event(data, number))
        size += len(line) + 1
    data = _object(last)
    if data is not None and data.get("n") == len(events) + 1:
        whole = _event(data, len(events) + 1)
        return Log(header, (*events, whole), len(events), size, is_torn=False)
    return Log(header, tuple(events), len(events), size, is_torn=bool(last))


def _event(data: Mapping[str, Any], number: int) -> Event:
    try:
        return event_from_json(data)
    except DataError as error:
        raise DataError(
            say("line {number}: {fault}", number=number + 1, fault=error.message), hint=error.hint
        ) from error


def _object(line: bytes) -> Mapping[str, Any] | None:
    """Return the object that a line of JSON is, None if it is none."""
    try:
        data = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None


def _line(data: Mapping[str, object]) -> bytes:
    return clean_text(json.dumps(data, ensure_ascii=False)).encode() + b"\n"
