"""One turn: a question becomes a streamed answer, whatever happens on the way.

Standard library only. Invariant: a turn in which nothing was said changes nothing.
"""

import threading
from collections.abc import Generator
from contextlib import closing

from xverse_chat.chat.backend import Backend, Finish, Message
from xverse_chat.chat.session import Session
from xverse_chat.config import GenerationSettings


def run_turn(
    session: Session,
    backend: Backend,
    question: str,
    *,
    settings: GenerationSettings,
    stop: threading.Event,
) -> Generator[str | Finish, None, None]:
    """Yield the pieces of the answer to ``question``, then the Finish, and keep both messages.

    However the turn ends (to its end, by ``stop``, by closing this generator, by an error),
    what was said of the answer is kept, marked interrupted unless it ended by itself. Where
    nothing was said the question is taken back, except when the model chose to say nothing.
    """
    session.append(Message("user", question))
    pieces: list[str] = []
    finish: Finish | None = None
    try:
        with closing(backend.stream(session.messages, settings, stop)) as stream:
            for event in stream:
                if isinstance(event, Finish):
                    finish = event
                else:
                    pieces.append(event)
                    yield event
    finally:
        answer = "".join(pieces)
        ended = finish is not None and finish.reason != "interrupted"
        if answer or ended:
            session.append(Message("assistant", answer, interrupted=not ended))
        else:
            session.take_back()
    if finish is not None:
        yield finish
