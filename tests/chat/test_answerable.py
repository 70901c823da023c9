import pytest

from xverse_chat.chat.answerable import check_answerable
from xverse_chat.chat.backend import Message
from xverse_chat.errors import DataError


def user(text: str) -> Message:
    return Message("user", text)


def answer(text: str) -> Message:
    return Message("assistant", text)


@pytest.mark.parametrize(
    ("messages", "told"),
    [
        ([], "empty"),
        ([user("a"), answer("b")], "assistant"),
        ([Message("system", "a")], "system"),
        ([user("a"), Message("system", "b"), user("c")], "Message 2"),
    ],
)
def test_what_no_model_can_answer_is_refused(messages: list[Message], told: str) -> None:
    with pytest.raises(DataError, match=told):
        check_answerable(messages)


def test_a_conversation_may_begin_with_an_answer() -> None:
    messages = (answer("Hello."), user("hi"))
    assert check_answerable(messages) == messages


def test_an_answer_that_was_broken_off_can_be_answered() -> None:
    messages = (user("hi"), Message("assistant", "He", interrupted=True))
    assert check_answerable(messages) == messages
