import json

import pytest
from hypothesis import given

from tests.chat.events import EVENTS
from xverse_chat.chat.events import KINDS, Event, event_from_json, event_to_json
from xverse_chat.errors import DataError


@given(EVENTS)
def test_an_event_is_read_as_it_was_written(event: Event) -> None:
    assert event_to_json(event)["kind"] in KINDS
    assert event_from_json(json.loads(json.dumps(event_to_json(event)))) == event


def test_keys_of_a_newer_program_are_ignored() -> None:
    assert event_from_json({"kind": "go", "to": 3, "why": "x"}) == event_from_json(
        {"kind": "go", "to": 3}
    )


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({}, "no event"),
        ({"kind": ["message"]}, "no event"),
        ({"kind": "message", "after": 0, "role": "system", "content": "x"}, "'role'"),
        ({"kind": "message", "after": 0, "role": "user", "content": None}, "'content'"),
        ({"kind": "message", "after": True, "role": "user", "content": "x"}, "'after'"),
        ({"kind": "message", "after": -1, "role": "user", "content": "x"}, "'after'"),
        ({"kind": "grow", "number": 1, "content": "x"}, "'ending'"),
        ({"kind": "policy", "policy": "burn"}, "drop, summarise, refuse"),
        ({"kind": "go", "to": "3"}, "'to'"),
    ],
)
def test_what_cannot_be_an_event_is_refused(data: dict[str, object], told: str) -> None:
    with pytest.raises(DataError, match=told):
        event_from_json(data)


def test_an_event_of_a_newer_version_says_so() -> None:
    with pytest.raises(DataError, match="'merge'") as raised:
        event_from_json({"kind": "merge"})
    assert "newer version" in raised.value.hint


def test_lone_surrogates_in_a_file_do_not_get_in() -> None:
    event = event_from_json({"kind": "system", "content": "a\ud800"})
    assert event == event_from_json({"kind": "system", "content": "a\ufffd"})
