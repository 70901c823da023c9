"""From messages to the token ids that the model was trained to see.

Exactly the ids of upstream's ``chat()`` while the whole conversation fits: each message is encoded
on its own. Upstream's defects are not repeated: text never becomes a control token, a message too
long is an error and is not cut, and what was dropped is told.

When it no longer fits, the oldest rounds go, as upstream lets them, but many at once. Dropping only
as many as needed would move the start of the prompt in every turn from then on, and with it every
token: nothing in the KV cache could be used again and each answer would wait for a whole context.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from transformers import PreTrainedTokenizerFast

from xverse_chat.chat.backend import Message
from xverse_chat.chat.session import check_answerable
from xverse_chat.checkpoint.prompt_text import ASSISTANT, HUMAN, TURN_END
from xverse_chat.engine.tokenizer import encode_text
from xverse_chat.errors import ContextLengthError
from xverse_chat.wording import say

# Of the budget, what is used at most after rounds were dropped. The other 40 % are free for new
# turns before the next drop: 2457 tokens with a context of 8192 and answers of up to 2048.
_KEPT_SHARE = 0.6


@dataclass(frozen=True, slots=True)
class Prompt:
    """Token ids in order; the ``dropped_messages`` oldest messages had no room."""

    ids: list[int]
    dropped_messages: int


def prompt_budget(context_tokens: int, max_new_tokens: int) -> int:
    """Return how many tokens a prompt may have, upstream's rule: at least half the context."""
    return max(context_tokens // 2, context_tokens - max_new_tokens)


def build_prompt(
    tokenizer: PreTrainedTokenizerFast,
    messages: Sequence[Message],
    *,
    eos_token_id: int,
    context_tokens: int,
    max_new_tokens: int,
) -> Prompt:
    """Return the prompt for a conversation that ends with the user's turn.

    Rounds (a user's turn and what answers it) are kept or dropped whole, the oldest first; the
    system text and the last message always stay. What was dropped for one turn stays dropped for
    the next ones: it follows from the messages alone, by going through the turns as they came.
    Raises ContextLengthError when system text and last message alone are longer than the budget,
    DataError for a conversation that cannot be answered.
    """
    checked = check_answerable(messages)
    has_system = checked[0].role == "system"
    spoken = checked[1:] if has_system else checked
    system = encode_text(tokenizer, checked[0].content + TURN_END) if has_system else []
    budget = prompt_budget(context_tokens, max_new_tokens)

    last = _encode_question(tokenizer, spoken[-1])
    if len(system) + len(last) > budget:
        raise _too_long(len(last), len(system), budget, context_tokens, max_new_tokens)
    rounds = _rounds(spoken[:-1])
    encoded = [
        [token_id for message in one for token_id in _encode_past(tokenizer, message, eos_token_id)]
        for one in rounds
    ]
    first = 0
    if len(system) + sum(map(len, encoded)) + len(last) > budget:
        asked = [
            len(_encode_question(tokenizer, one[0])) if one[0].role == "user" else 0
            for one in rounds
        ]
        first = _first_kept(
            list(map(len, encoded)),
            [*asked, len(last)],
            room=budget - len(system),
            refill=int(budget * _KEPT_SHARE) - len(system),
        )
    joined = [token_id for ids in encoded[first:] for token_id in ids]
    return Prompt(system + joined + last, dropped_messages=sum(map(len, rounds[:first])))


def _first_kept(past: Sequence[int], asked: Sequence[int], *, room: int, refill: int) -> int:
    """Return which round is the oldest that the last turn keeps.

    ``past`` are the tokens of each round once it is answered, ``asked`` those of each question
    when it was the newest, one more. Goes through the turns as they came: whenever one would
    have more than ``room`` tokens, rounds go until it has at most ``refill``, or none is left.
    """
    first = kept = 0  # kept: tokens of the rounds since first
    for turn, question in enumerate(asked):
        if kept + question > room:
            while first < turn and kept + question > refill:
                kept -= past[first]
                first += 1
        if turn < len(past):
            kept += past[turn]
    return first


def _rounds(messages: Sequence[Message]) -> list[list[Message]]:
    """Return the rounds, oldest first. An answer at the very beginning is a round of its own."""
    rounds: list[list[Message]] = []
    for message in messages:
        if message.role == "user" or not rounds:
            rounds.append([])
        rounds[-1].append(message)
    return rounds


def _encode_question(tokenizer: PreTrainedTokenizerFast, message: Message) -> list[int]:
    return encode_text(tokenizer, HUMAN + message.content + TURN_END + ASSISTANT)


def _encode_past(
    tokenizer: PreTrainedTokenizerFast, message: Message, eos_token_id: int
) -> list[int]:
    if message.role == "user":
        return encode_text(tokenizer, HUMAN + message.content + TURN_END)
    return [*encode_text(tokenizer, ASSISTANT + message.content), eos_token_id]


def _too_long(
    message_tokens: int, system_tokens: int, budget: int, context_tokens: int, max_new_tokens: int
) -> ContextLengthError:
    system = say(" and the system text {tokens}", tokens=system_tokens) if system_tokens else ""
    hint = say("Send less text at once.")
    if budget > context_tokens // 2:
        hint = say(
            "Send less text at once, or lower --max-new-tokens (now {tokens}).",
            tokens=max_new_tokens,
        )
    return ContextLengthError(
        say(
            "The message has {message_tokens} tokens{system}; of the model's context of "
            "{context_tokens} tokens {budget} are left for them beside the answer.",
            message_tokens=message_tokens,
            system=system,
            context_tokens=context_tokens,
            budget=budget,
        ),
        hint=hint,
    )
