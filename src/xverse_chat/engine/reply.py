"""A streamed reply to messages: prompt, tokens and text put together.

Serves both ``model.chat()`` and the backend of the program.
"""

import threading
from collections.abc import Generator, Sequence
from contextlib import closing

from xverse_chat.chat.backend import Finish, Message, Timings, Usage
from xverse_chat.config import GenerationSettings
from xverse_chat.engine.generate import Engine, Outcome
from xverse_chat.engine.prompt import build_prompt
from xverse_chat.engine.tokenizer import IncrementalDecoder, TextTokenizer


def stream_reply(
    engine: Engine,
    tokenizer: TextTokenizer,
    messages: Sequence[Message],
    settings: GenerationSettings,
    *,
    eos_token_id: int,
    context_tokens: int,
    stop: threading.Event,
    load_s: float = 0.0,
) -> Generator[str | Finish, None, None]:
    """Yield the reply in pieces, then one Finish. Closing the generator ends the work."""
    prompt = build_prompt(
        tokenizer,
        messages,
        eos_token_id=eos_token_id,
        context_tokens=context_tokens,
        max_new_tokens=settings.max_new_tokens,
    )
    goes_on = messages[-1].role == "assistant"
    decoder = IncrementalDecoder(tokenizer, after=prompt.ids if goes_on else ())
    events = engine.reply(prompt.ids, settings, eos_token_id=eos_token_id, stop=stop)
    with closing(events):
        for event in events:
            if isinstance(event, Outcome):
                if rest := decoder.flush():
                    yield rest
                yield Finish(
                    event.reason,
                    Usage(len(prompt.ids), event.tokens),
                    _timings(event, load_s),
                    prompt.dropped_messages,
                )
            elif piece := decoder.push(event):
                yield piece


def _timings(outcome: Outcome, load_s: float) -> Timings:
    decoded = outcome.tokens - 1
    rate = decoded / outcome.decode_s if decoded > 0 and outcome.decode_s > 0 else None
    return Timings(
        load_s=load_s,
        prefill_s=outcome.prefill_s,
        first_token_s=outcome.first_token_s,
        decode_tokens_per_s=rate,
        cached_tokens=outcome.cached_tokens,
    )
