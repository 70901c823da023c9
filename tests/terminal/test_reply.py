import io
import threading
import time
from collections.abc import Generator

import pytest

from tests.scripted import ScriptedBackend
from xverse_chat.chat.answering import Answering
from xverse_chat.chat.backend import Finish, Message, Timings, Usage
from xverse_chat.chat.session import Session
from xverse_chat.chat.turn import ask
from xverse_chat.config import GenerationSettings
from xverse_chat.errors import EngineError
from xverse_chat.terminal.plain_renderer import PlainRenderer
from xverse_chat.terminal.reply import STOP_PATIENCE_S, Reply
from xverse_chat.terminal.texts_english import ENGLISH
from xverse_chat.wording import say


def show(answering: Answering, interrupt: threading.Event | None = None) -> str:
    screen = io.StringIO()
    reply = Reply(answering, PlainRenderer(screen, ENGLISH), ENGLISH)
    reply.show(interrupt or threading.Event(), context_tokens=2048)
    return screen.getvalue()


def answer(*script: str | BaseException) -> tuple[Answering, Session]:
    session, backend = Session(), ScriptedBackend(list(script))
    settings = GenerationSettings()
    return (
        Answering(lambda stop: ask(session, "hi").run(backend, settings=settings, stop=stop)),
        session,
    )


def test_pieces_come_out_in_order() -> None:
    answering, _ = answer("a", "b", "c")
    assert show(answering) == "Model: abc\n3 tokens · 10 tokens/s · first after 0.10 s\n"


@pytest.mark.parametrize(
    "error", [ValueError("a defect"), EngineError(say("a failure")), MemoryError()]
)
def test_no_error_escapes_and_none_is_hidden(error: BaseException) -> None:
    answering, session = answer(error)
    assert "Error: " in show(answering)
    assert answering.join(5)
    assert session.is_empty


def test_a_turn_that_ends_without_a_word_about_it_is_no_endless_wait() -> None:
    def turn(stop: threading.Event) -> Generator[str | Finish, None, None]:
        yield "half"

    assert show(Answering(turn)) == "Model: half\n(interrupted)\n"


def test_a_turn_that_does_not_stop_is_left_behind_and_keeps_what_was_said() -> None:
    go_on, interrupt, session = threading.Event(), threading.Event(), Session()

    class Deaf(ScriptedBackend):
        def stream(self, *arguments: object) -> Generator[str | Finish, None, None]:
            yield "said"
            interrupt.set()
            go_on.wait(30)
            yield Finish("stop", Usage(1, 1), Timings(0, 0, 0, None))

    backend, settings = Deaf(), GenerationSettings()
    answering = Answering(
        lambda stop: ask(session, "hi").run(backend, settings=settings, stop=stop)
    )
    began = time.monotonic()
    assert show(answering, interrupt) == "Model: said\n(interrupted)\n"
    assert time.monotonic() - began < STOP_PATIENCE_S + 0.3
    assert not answering.join(0)
    go_on.set()
    assert answering.join(5)
    assert session.messages[0] == Message("user", "hi")
    assert session.messages[1].content == "said"
