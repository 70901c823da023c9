import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.chat.events import EVENTS
from xverse_chat.chat.backend import Message
from xverse_chat.chat.events import Event, Said, SystemSet
from xverse_chat.chat.log import Header, event_line, header_line, parse_header, parse_log
from xverse_chat.errors import DataError

HEADER = Header("20261124-135955-0123abcd", "2026-11-24T13:59:55Z", "demo", "0.1.0")


def log_of(*events: Event) -> bytes:
    lines = [event_line(event, number) for number, event in enumerate(events, start=1)]
    return header_line(HEADER) + b"".join(lines)


HELLO = Said(0, Message("user", "你好\u2028\n\x00"))
TALK = log_of(HELLO, Said(1, Message("assistant", "好", interrupted=True)))


@given(st.lists(EVENTS, max_size=5))
def test_a_file_is_read_as_it_was_written(events: list[Event]) -> None:
    content = log_of(*events)
    log = parse_log(content)
    assert (log.header, log.events) == (HEADER, tuple(events))
    assert (log.written, log.size_bytes, log.is_torn) == (len(events), len(content), False)


def test_each_message_is_one_line() -> None:
    assert TALK.count(b"\n") == 3
    assert json.loads(TALK.split(b"\n")[1])["content"] == "你好\u2028\n\x00"


@pytest.mark.parametrize("missing", range(1, len(TALK) - len(log_of(HELLO))))
def test_a_file_cut_in_its_last_line_keeps_all_the_others(missing: int) -> None:
    log = parse_log(TALK[:-missing])
    if missing == 1:  # only the end of the line is missing: it counts, and is written again
        assert (len(log.events), log.written, log.is_torn) == (2, 1, False)
    else:
        assert (log.events, log.written, log.is_torn) == ((HELLO,), 1, True)
    assert log.size_bytes == len(log_of(HELLO))


@given(st.integers(0, len(TALK)))
def test_a_file_cut_anywhere_is_read_or_refused(size: int) -> None:
    try:
        log = parse_log(TALK[:size])
    except DataError:
        assert size <= len(header_line(HEADER)) - 1
    else:
        assert log.events == parse_log(TALK).events[: len(log.events)]


@pytest.mark.parametrize("tail", [b"\x00" * 100, b"\x00" * 100 + b"\n", b'{"n": 3, "k\n'])
def test_what_a_crash_left_behind_the_last_line_is_torn(tail: bytes) -> None:
    log = parse_log(TALK + tail)
    assert (len(log.events), log.is_torn, log.size_bytes) == (2, True, len(TALK))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "no conversation"),
        (b"\n", "no conversation"),
        (b"hello\n", "no conversation"),
        (b"[1, 2]\n", "no conversation"),
        (b'[{"role": "user", "content": "x"}]', "no conversation"),
        (b"\xff\xfe\x00", "no conversation"),
        (b"[" * 100_000, "no conversation"),
        (header_line(HEADER)[:-1], "first line"),
        (header_line(HEADER).replace(b'"demo"', b"7"), "first line"),
        (TALK.replace(b'"n": 1', b'"n": 2'), "line 2 is damaged"),
        (TALK.replace(b'"kind"', b'kind"', 1), "line 2 is damaged"),
        (log_of(HELLO, HELLO, HELLO).replace(b'"n": 2', b'"n": 9'), "line 3 is damaged"),
        (TALK.replace(b'"user"', b'"them"'), "line 2: the 'role'"),
    ],
)
def test_a_damaged_or_foreign_file_is_refused(content: bytes, told: str) -> None:
    with pytest.raises(DataError, match=told):
        parse_log(content)


def test_a_newer_format_is_refused_with_what_to_do() -> None:
    with pytest.raises(DataError, match="version 2") as raised:
        parse_header(header_line(HEADER).replace(b'"version": 1', b'"version": 2'))
    assert "Nothing was changed" in raised.value.hint


def test_a_lone_surrogate_is_no_reason_not_to_save() -> None:
    line = event_line(SystemSet("a\ud800"), 1)
    assert json.loads(line)["content"] == "a\ufffd"
