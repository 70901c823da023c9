import json

from xverse_chat.chat.backend import Message
from xverse_chat.chat.conversation_file import parse_conversation
from xverse_chat.chat.export_json import to_json
from xverse_chat.chat.transcript import Transcript

MESSAGES = (
    Message("system", "be kind"),
    Message("user", "你好\x1b"),
    Message("assistant", "说", interrupted=True),
    Message("user", "go on"),
)


def test_an_export_can_be_answered_again() -> None:
    text = to_json(Transcript("t", "", "demo", MESSAGES))
    read = parse_conversation(text.encode(), source="export")
    assert [(m.role, m.content) for m in read] == [(m.role, m.content) for m in MESSAGES]


def test_a_message_that_was_broken_off_says_so_and_no_escape_stands_in_the_file() -> None:
    text = to_json(Transcript("t", "", "demo", MESSAGES))
    assert [message.get("ending") for message in json.loads(text)] == [
        None,
        None,
        "interrupted",
        None,
    ]
    assert "\x1b" not in text
    assert "你好" in text
