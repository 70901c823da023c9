import pytest

from xverse_chat.chat.backend import Message
from xverse_chat.chat.session import Session, check_answerable
from xverse_chat.errors import DataError


def test_the_system_text_comes_first_and_survives_clear() -> None:
    session = Session("Be brief.")
    session.append(Message("user", "hi"))
    assert [m.role for m in session.messages] == ["system", "user"]
    session.clear()
    assert session.messages == (Message("system", "Be brief."),)
    assert session.is_empty


def test_without_system_text_there_is_no_system_message() -> None:
    assert Session("").messages == ()


def test_the_last_message_can_be_taken_back() -> None:
    session = Session()
    session.append(Message("user", "a"))
    assert session.take_back() == Message("user", "a")
    assert session.is_empty


@pytest.mark.parametrize(
    ("messages", "told"),
    [
        ([], "empty"),
        ([Message("user", "a"), Message("assistant", "b")], "assistant"),
        ([Message("system", "a")], "system"),
        ([Message("user", "a"), Message("system", "b"), Message("user", "c")], "Message 2"),
    ],
)
def test_what_no_model_can_answer_is_refused(messages: list[Message], told: str) -> None:
    with pytest.raises(DataError, match=told):
        check_answerable(messages)


def test_a_conversation_may_begin_with_an_answer() -> None:
    messages = (Message("assistant", "Hello."), Message("user", "hi"))
    assert check_answerable(messages) == messages
