import pytest
from hypothesis import given

from tests.chat.events import sessions
from xverse_chat.chat.backend import Message
from xverse_chat.chat.events import Event, Grown, Moved, Policy, Said, Summarised
from xverse_chat.chat.session import Session
from xverse_chat.errors import DataError, UsageError


def user(text: str) -> Message:
    return Message("user", text)


def answer(text: str) -> Message:
    return Message("assistant", text)


def talk(*texts: str) -> Session:
    """Return a session of questions and answers in turn."""
    session = Session()
    for number, text in enumerate(texts):
        session.append(answer(text) if number % 2 else user(text))
    return session


def contents(session: Session) -> list[str]:
    return [message.content for message in session.messages]


def test_the_system_text_comes_first() -> None:
    session = Session("Be brief.")
    session.append(user("hi"))
    assert [m.role for m in session.messages] == ["system", "user"]
    session.set_system("")
    assert contents(session) == ["hi"]


def test_without_system_text_there_is_no_system_message() -> None:
    assert Session("").messages == ()


@given(sessions())
def test_the_events_of_a_session_make_the_same_session(session: Session) -> None:
    again = Session.replay(session.events)
    assert again.messages == session.messages
    assert again.prompt() == session.prompt()
    assert (again.title, again.position) == (session.title, session.position)
    assert list(again.events) == list(session.events)


def test_rounds_are_taken_back_and_brought_again() -> None:
    session = talk("a", "b", "c", "d", "e", "f")
    assert session.undo(2) == ("c", "e")
    assert contents(session) == ["a", "b"]
    assert session.redo()
    assert contents(session) == list("abcdef")
    assert not session.redo()
    with pytest.raises(UsageError, match="3 questions"):
        session.undo(4)


def test_an_answer_given_anew_keeps_the_earlier_one() -> None:
    session = talk("a", "b")
    session.put(answer("c"), after=1)
    assert contents(session) == ["a", "c"]
    assert [message.content for message in session.alternatives] == ["b", "c"]
    assert session.alternative == 2
    session.choose(1)
    assert contents(session) == ["a", "b"]
    with pytest.raises(UsageError, match="no answer 3"):
        session.choose(3)


def test_a_broken_answer_can_go_on_and_a_whole_one_cannot() -> None:
    session = Session()
    session.append(user("a"))
    assert not session.can_go_on
    session.append(Message("assistant", "b", interrupted=True))
    assert session.can_go_on
    session.grow("c", "stop")
    assert not session.can_go_on
    assert contents(session) == ["a", "bc"]


def test_a_title_is_the_name_or_how_it_began() -> None:
    session = talk("", "b", "c")
    assert session.title == ""
    session.rename("旅行")
    assert session.title == "旅行"
    assert talk("\n 明天的\t天气？ \n第二行").title == "明天的 天气？"


def test_what_was_dropped_or_summed_up_is_still_there() -> None:
    session = talk("a", "b", "c", "d", "e")
    session.set_system("be kind")
    session.drop(2)
    assert [m.content for m in session.prompt()] == ["be kind", "c", "d", "e"]
    session.summarise(4, "前面谈了 a 到 d")
    assert session.prompt()[0].content == (
        "be kind\n\n【前文摘要】较早的对话已略去原文，内容如下：\n前面谈了 a 到 d"
    )
    assert [m.content for m in session.prompt()[1:]] == ["e"]
    assert contents(session) == ["be kind", "a", "b", "c", "d", "e"]


def test_the_summary_of_another_branch_is_none_of_this_one() -> None:
    session = talk("a", "b", "c", "d")
    session.summarise(4, "summary")
    session.move(2)
    assert session.summary == ""
    assert [m.content for m in session.prompt()] == ["a", "b"]


def test_a_message_to_be_answered_is_never_left_out() -> None:
    session = Session()
    session.append(user("a"))
    session.append(Message("assistant", "b", interrupted=True))
    session.drop(2)
    assert session.given() == []
    assert session.given(is_open=True) == [1, 2]


def test_a_question_that_was_never_answered_is_put_aside() -> None:
    events: list[Event] = [Said(0, user("a")), Said(1, answer("b")), Said(2, user("c"))]
    session = Session.replay(events)
    assert contents(session) == ["a", "b"]
    assert session.unanswered == "c"
    session.append(user("d"))
    assert session.unanswered == ""


@pytest.mark.parametrize(
    "event", [Said(7, user("x")), Grown(2, "x", "stop"), Moved(2), Summarised(0, "x")]
)
def test_events_that_cannot_be_are_refused(event: Event) -> None:
    with pytest.raises(DataError, match="it speaks of message"):
        Session.replay([Said(0, user("a")), event])


def test_a_question_does_not_go_on_like_an_answer() -> None:
    with pytest.raises(DataError, match="question"):
        Session.replay([Said(0, user("a")), Grown(1, "x", "stop")])


def test_every_change_is_told_and_none_where_nothing_changes() -> None:
    session, told = talk("a", "b"), []
    session.on_change = lambda: told.append(len(session.events))
    session.choose_policy(Policy.DROP)
    session.choose_policy(Policy.DROP)
    session.move(session.position)
    session.set_system("")
    session.rename("")
    assert told == [3]
