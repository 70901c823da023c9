import threading

import pytest

from tests.scripted import ScriptedBackend
from xverse_chat.chat.backend import Finish, Message
from xverse_chat.chat.session import Session
from xverse_chat.chat.turn import ask as ask_turn
from xverse_chat.chat.turn import ask_again, go_on
from xverse_chat.config import GenerationSettings
from xverse_chat.errors import EngineError, UsageError
from xverse_chat.wording import say

SETTINGS = GenerationSettings()


def ask(session: Session, backend: ScriptedBackend, text: str) -> list[str | Finish]:
    return list(ask_turn(session, text).run(backend, settings=SETTINGS, stop=threading.Event()))


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
    turn = ask_turn(session, "hi").run(backend, settings=SETTINGS, stop=stop)
    assert next(turn) == "a"
    stop.set()
    assert [event.reason for event in turn if isinstance(event, Finish)] == ["interrupted"]
    assert session.messages[-1] == Message("assistant", "a", interrupted=True)


def test_an_interrupt_before_the_first_piece_changes_nothing() -> None:
    session, backend, stop = Session(), ScriptedBackend(["a"]), threading.Event()
    stop.set()
    list(ask_turn(session, "hi").run(backend, settings=SETTINGS, stop=stop))
    assert session.is_empty


def test_closing_the_turn_closes_the_backend_and_keeps_what_was_said() -> None:
    session, backend = Session(), ScriptedBackend(["a", "b"])
    turn = ask_turn(session, "hi").run(backend, settings=SETTINGS, stop=threading.Event())
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


def broken_off(session: Session) -> None:
    session.append(Message("user", "hi"))
    session.append(Message("assistant", "Hel", interrupted=True))


def test_a_question_is_saved_before_its_answer_is_computed() -> None:
    session, said = Session(), []
    session.on_change = lambda: said.append([message.content for message in session.messages])
    ask(session, ScriptedBackend(["yes"]), "hi")
    assert said == [["hi"], ["hi", "yes"]]


def test_a_question_can_be_saved_before_there_is_a_model_and_withdrawn() -> None:
    session = Session()
    turn = ask_turn(session, "hi")
    turn.put_question()
    assert session.messages == (Message("user", "hi"),)
    assert turn.messages == (Message("user", "hi"),)
    assert Session.replay(session.events).unanswered == "hi"
    turn.withdraw()
    assert session.is_empty
    again = ask_turn(session, "hello")
    again.put_question()
    list(again.run(ScriptedBackend(["yes"]), settings=SETTINGS, stop=threading.Event()))
    assert [message.content for message in session.messages] == ["hello", "yes"]


def test_a_question_can_be_answered_again_and_the_earlier_answer_is_kept() -> None:
    session, backend = Session(), ScriptedBackend(["one"], ["two"])
    ask(session, backend, "hi")
    list(ask_again(session).run(backend, settings=SETTINGS, stop=threading.Event()))
    assert backend.asked[0] == backend.asked[1]
    assert session.messages == (Message("user", "hi"), Message("assistant", "two"))
    assert [message.content for message in session.alternatives] == ["one", "two"]


def test_a_seed_gives_another_answer_each_time() -> None:
    class Remembering(ScriptedBackend):
        seeds: list[int | None]

        def stream(self, messages, settings, stop):  # type: ignore[no-untyped-def]
            self.seeds.append(settings.seed)
            return super().stream(messages, settings, stop)

    session, backend = Session(), Remembering(["a"], ["b"], ["c"])
    backend.seeds = []
    settings = GenerationSettings(seed=2**63 - 1)
    stop = threading.Event()
    list(ask_turn(session, "hi").run(backend, settings=settings, stop=stop))
    list(ask_again(session).run(backend, settings=settings, stop=stop))
    list(ask_again(session).run(backend, settings=settings, stop=stop))
    assert backend.seeds == [2**63 - 1, 0, 1]


def test_nothing_asked_cannot_be_answered_again() -> None:
    with pytest.raises(UsageError, match="Nothing was asked"):
        ask_again(Session())


def test_an_answer_goes_on_where_it_broke_off() -> None:
    session, backend = Session(), ScriptedBackend(["lo."])
    broken_off(session)
    list(go_on(session).run(backend, settings=SETTINGS, stop=threading.Event()))
    assert backend.asked[0][-1] == Message("assistant", "Hel", interrupted=True)
    assert session.messages[-1] == Message("assistant", "Hello.")
    with pytest.raises(UsageError, match="to its end"):
        go_on(session)


def test_going_on_that_brings_nothing_changes_nothing() -> None:
    session, stop = Session(), threading.Event()
    broken_off(session)
    before = session.messages
    stop.set()
    list(go_on(session).run(ScriptedBackend(["x"]), settings=SETTINGS, stop=stop))
    assert session.messages == before


def test_an_earlier_question_is_replaced_once_there_is_an_answer() -> None:
    session, backend = Session(), ScriptedBackend(["1"], ["2"], ["3"], [EngineError(say("x"))])
    ask(session, backend, "a")
    ask(session, backend, "b")
    turn = ask_turn(session, "A", instead_of=1)
    assert [m.content for m in session.messages] == ["a", "1", "b", "2"]
    list(turn.run(backend, settings=SETTINGS, stop=threading.Event()))
    assert [m.content for m in session.messages] == ["A", "3"]
    failing = ask_turn(session, "B", instead_of=1)
    with pytest.raises(EngineError):
        list(failing.run(backend, settings=SETTINGS, stop=threading.Event()))
    assert [m.content for m in session.messages] == ["A", "3"]
    with pytest.raises(UsageError, match="no question 2"):
        ask_turn(session, "x", instead_of=2)


def test_what_was_said_can_be_kept_from_outside_once() -> None:
    session, backend = Session(), ScriptedBackend(["a", "b"])
    turn = ask_turn(session, "hi")
    stream = turn.run(backend, settings=SETTINGS, stop=threading.Event())
    turn.keep_what_was_said()
    assert session.is_empty
    next(stream)
    turn.keep_what_was_said()
    assert session.messages[-1] == Message("assistant", "a", interrupted=True)
    stream.close()
    assert len(session.messages) == 2
