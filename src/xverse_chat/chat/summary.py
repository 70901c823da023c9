"""Having the model sum up the rounds that no longer fit. Standard library only.

The model is given the conversation up to there as it was, so that nothing of it is computed
again where the KV cache still holds it, and then asked for the summary.
"""

import threading
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import replace

from xverse_chat.chat.backend import Backend, Finish, Message
from xverse_chat.chat.budget import Overflow, prompt_budget
from xverse_chat.chat.session import Session
from xverse_chat.chat.summary_text import summary_request
from xverse_chat.config import GenerationSettings
from xverse_chat.errors import ContextLengthError, EngineError
from xverse_chat.wording import say

MOST_TOKENS = 512
_LEAST_CHARACTERS = 16


def write_summary(
    session: Session,
    overflow: Overflow,
    backend: Backend,
    *,
    settings: GenerationSettings,
    stop: threading.Event,
) -> Generator[str | Finish, None, None]:
    """Yield the pieces of the summary, then the Finish; give it to the model from then on.

    Interrupted or failed, nothing is changed. It takes in an earlier summary. Raises
    ContextLengthError, before anything is computed, when no summary would fit beside the
    question, and EngineError when the model has nothing to say.
    """
    tokens = summary_tokens(overflow)
    if overflow.kept_tokens + tokens > overflow.budget_tokens:
        raise ContextLengthError(
            say(
                "The message leaves no room for a summary: with it {kept} of {budget} tokens are "
                "taken, and a summary needs {tokens}.",
                kept=overflow.kept_tokens,
                budget=overflow.budget_tokens,
                tokens=tokens,
            ),
            hint=say("Send less text at once, or type /context drop to leave the rounds out."),
        )
    past = session.prompt(overflow.through)
    request = Message("user", summary_request(past, tokens=tokens))
    room = prompt_budget(backend.description.context_tokens, tokens)
    messages = (*_shortened(past, request, backend, room), request)
    settings = replace(settings, do_sample=False, max_new_tokens=tokens)
    pieces: list[str] = []
    finish: Finish | None = None
    with closing(backend.stream(messages, settings, stop)) as stream:
        for event in stream:
            if isinstance(event, Finish):
                finish = event
            else:
                pieces.append(event)
                yield event
    if finish is None or finish.reason == "interrupted":
        return
    text = "".join(pieces).strip()
    if not text:
        raise EngineError(
            say("The model wrote no summary."),
            hint=say("Type /context drop to leave the rounds out."),
        )
    session.summarise(overflow.through, text)
    yield finish


def summary_tokens(overflow: Overflow) -> int:
    """Return how long a summary may be."""
    return max(1, min(MOST_TOKENS, overflow.budget_tokens // 8))


def _shortened(
    past: Sequence[Message], request: Message, backend: Backend, room: int
) -> list[Message]:
    """Return the messages, the middle of the longest ones left out until all of them fit."""
    messages = list(past)
    while sum(counts := backend.count_tokens([*messages, request])) > room:
        longest = max(range(len(messages)), key=lambda at: counts[at])
        content = messages[longest].content
        if len(content) < _LEAST_CHARACTERS:
            raise ContextLengthError(
                say(
                    "The rounds have too many messages to sum them up in {room} tokens.", room=room
                ),
                hint=say("Type /context drop to leave the rounds out."),
            )
        quarter = len(content) // 4
        shorter = f"{content[:quarter]} … {content[-quarter:]}"
        messages[longest] = replace(messages[longest], content=shorter)
    return messages
