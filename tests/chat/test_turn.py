import threading

import pytest

from tests.scripted import ScriptedBackend
from xverse_chat.chat.backend import Finish, Message
from xverse_chat.chat.session import Session
from xverse_chat.chat.turn import run_turn
from xverse_chat.config import GenerationSettings
from xverse_chat.errors import EngineError
from xverse_chat.wording import say

SETTINGS = GenerationSettings()


def ask(session: Session, backend: ScriptedBackend, text: str) -> list[str | Finish]:
    return list(run_turn(session, backend, text, settings=SETTINGS, stop=threading.Event()))


def test_question_and_answer_are_both_remembered() -> None:
    session, backend = Session(), ScriptedBackend(["Hel", "lo."], ["Yes."])
    events = ask(session, backend, "hi")
    ask(session, backend, "sure?")
    assert events[:2] == ["Hel", "lo."]
    assert isinstance(events[2], Finish)
    assert backend.asked[1] == (
        Message("user", "hi"),
        Message("assistant", "Hello."),
        Message("user", "sure?"),
    )


def test_an_interrupt_keeps_what_was_said() -> None:
    session, backend, stop = Session(), ScriptedBackend(["a", "b", "c"]), threading.Event()
    turn = run_turn(session, backend, "hi", settings=SETTINGS, stop=stop)
    assert next(turn) == "a"
    stop.set()
    assert [event.reason for event in turn if isinstance(event, Finish)] == ["interrupted"]
    assert session.messages[-1] == Message("assistant", "a", interrupted=True)


def test_an_interrupt_before_the_first_piece_changes_nothing() -> None:
    session, backend, stop = Session(), ScriptedBackend(["a"]), threading.Event()
    stop.set()
    list(run_turn(session, backend, "hi", settings=SETTINGS, stop=stop))
    assert session.is_empty


def test_closing_the_turn_closes_the_backend_and_keeps_what_was_said() -> None:
    session, backend = Session(), ScriptedBackend(["a", "b"])
    turn = run_turn(session, backend, "hi", settings=SETTINGS, stop=threading.Event())
    next(turn)
    turn.close()
    assert backend.closed == 1
    assert session.messages[-1] == Message("assistant", "a", interrupted=True)


def test_an_error_before_the_first_piece_takes_the_question_back() -> None:
    session, backend = Session(), ScriptedBackend([EngineError(say("broken"))])
    with pytest.raises(EngineError):
        ask(session, backend, "hi")
    assert session.is_empty


def test_an_error_in_mid_answer_keeps_what_was_said() -> None:
    session, backend = Session(), ScriptedBackend(["a", EngineError(say("broken"))])
    with pytest.raises(EngineError):
        ask(session, backend, "hi")
    assert session.messages[-1] == Message("assistant", "a", interrupted=True)


def test_a_model_may_choose_to_say_nothing() -> None:
    session, backend = Session(), ScriptedBackend([])
    ask(session, backend, "hi")
    assert session.messages == (Message("user", "hi"), Message("assistant", ""))
