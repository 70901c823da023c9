import threading

import pytest

from tests.chat.test_budget import SETTINGS, SmallBackend, talk
from xverse_chat.chat.backend import Finish, Message, ModelDescription
from xverse_chat.chat.budget import Overflow, look_ahead
from xverse_chat.chat.session import Session
from xverse_chat.chat.summary import summary_tokens, write_summary
from xverse_chat.chat.summary_text import summary_request
from xverse_chat.chat.turn import ask
from xverse_chat.errors import ContextLengthError, EngineError


class Backend(SmallBackend):
    """A context of 1000 tokens, in which a request for a summary has room."""

    def __init__(self, *scripts: list[str]) -> None:
        super().__init__(*scripts)
        self.description = ModelDescription("scripted", "float32", "cpu", context_tokens=1000)


def overfull(question: str = "next") -> tuple[Session, Overflow]:
    session = talk(98, system="be kind")
    overflow = look_ahead(ask(session, question), Backend(), SETTINGS).overflow
    assert overflow is not None
    return session, overflow


def summarise(
    session: Session, overflow: Overflow, backend: Backend, stop: threading.Event | None = None
) -> list[str | Finish]:
    return list(
        write_summary(session, overflow, backend, settings=SETTINGS, stop=stop or threading.Event())
    )


def test_the_model_reads_the_summary_instead_of_what_goes() -> None:
    session, overflow = overfull()
    *pieces, finish = summarise(session, overflow, Backend(["They spoke", " of x. "]))
    assert (pieces, isinstance(finish, Finish)) == (["They spoke", " of x. "], True)
    system, *spoken = ask(session, "next").messages
    assert system.content.startswith("be kind\n\n[Summary of the earlier conversation")
    assert system.content.endswith("They spoke of x.")
    assert spoken[0].content == f"q{overflow.last_round + 1:03}"
    assert len(session.messages) == 1 + 2 * 98  # nothing that was said is gone


def test_the_model_is_given_what_it_read_before_and_asked_for_points() -> None:
    session, overflow = overfull()
    backend = Backend(["x"])
    summarise(session, overflow, backend)
    *past, request = backend.asked[0]
    assert past[0] == Message("system", "be kind")
    assert len(past) == 1 + 2 * overflow.last_round
    assert request.content == summary_request(past, tokens=summary_tokens(overflow))
    assert "write a summary" in request.content


def test_a_chinese_conversation_is_summed_up_in_chinese() -> None:
    assert "摘要" in summary_request([Message("user", "你好")], tokens=100)


def test_a_second_summary_takes_the_first_one_in() -> None:
    session, overflow = overfull()
    summarise(session, overflow, Backend(["first"]))
    later = Overflow(1, 1, len(session.path()), ("q",), 900, 100, 980)
    backend = Backend(["second"])
    summarise(session, later, backend)
    assert "first" in backend.asked[0][0].content
    assert session.summary == "second"


def test_an_interrupted_summary_changes_nothing() -> None:
    session, overflow = overfull()
    stop = threading.Event()
    stop.set()
    assert summarise(session, overflow, Backend(["x"]), stop) == []
    assert session.summary == ""


def test_a_model_that_says_nothing_is_told_and_changes_nothing() -> None:
    session, overflow = overfull()
    with pytest.raises(EngineError, match="no summary"):
        summarise(session, overflow, Backend([" "]))
    assert session.summary == ""


def test_a_question_that_leaves_no_room_for_a_summary_is_refused_before_it_is_written() -> None:
    session, overflow = overfull("x" * 900)
    backend = Backend(["x"])
    with pytest.raises(ContextLengthError, match="no room for a summary"):
        summarise(session, overflow, backend)
    assert backend.asked == []


def test_rounds_too_long_to_be_read_with_the_request_are_shortened_in_their_middle() -> None:
    session = Session()
    session.append(Message("user", "a" * 400 + "!" * 100 + "b" * 400))
    session.append(Message("assistant", "yes"))
    backend = Backend(["x"])
    summarise(session, Overflow(1, 1, 2, ("a",), 1000, 10, 980), backend)
    first = backend.asked[0][0].content
    assert first.startswith("a" * 100)
    assert first.endswith("b" * 100)
    assert " … " in first
    assert sum(len(message.content) for message in backend.asked[0]) <= 1000
