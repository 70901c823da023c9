"""From messages to the token ids that the model was trained to see.

Exactly the ids of upstream's ``chat()`` while the whole conversation fits: each message is encoded
on its own. Upstream's defects are not repeated: text never becomes a control token, a message too
long is an error and is not cut, and what was dropped is told.

A conversation asks ``count_tokens`` before each turn and gives only what fits. Scripts give
everything: here the oldest rounds go then, by the rules of ``chat/budget.py``.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from xverse_chat.chat.answerable import check_answerable
from xverse_chat.chat.backend import Message
from xverse_chat.chat.budget import (
    KEPT_SHARE,
    first_kept,
    prompt_budget,
    split_rounds,
    too_long,
)
from xverse_chat.checkpoint.prompt_text import ASSISTANT, HUMAN, TURN_END
from xverse_chat.engine.tokenizer import TextTokenizer


@dataclass(frozen=True, slots=True)
class Prompt:
    """Token ids in order; the ``dropped_messages`` oldest messages had no room."""

    ids: list[int]
    dropped_messages: int


def build_prompt(
    tokenizer: TextTokenizer,
    messages: Sequence[Message],
    *,
    eos_token_id: int,
    context_tokens: int,
    max_new_tokens: int,
) -> Prompt:
    """Return the prompt for a conversation that can be answered.

    It ends with the user's turn, or with an unfinished answer that goes on. Rounds (a user's turn
    and what answers it) are kept or dropped whole, the oldest first; the system text and the last
    round always stay. What was dropped for one turn stays dropped for the next ones: it follows
    from the messages alone, by going through the turns as they came. Raises ContextLengthError
    when system text and last round alone are longer than the budget, DataError for a conversation
    that cannot be answered.
    """
    checked = check_answerable(messages)
    has_system = checked[0].role == "system"
    spoken = split_rounds(checked[1:] if has_system else checked)
    past, last_round = spoken[:-1], spoken[-1]
    system = _encode(tokenizer, checked[0], eos_token_id) if has_system else []
    budget = prompt_budget(context_tokens, max_new_tokens)

    last = _encode_last(tokenizer, last_round, eos_token_id)
    if len(system) + len(last) > budget:
        raise too_long(len(last), len(system), context_tokens, max_new_tokens)
    encoded = [
        [token_id for message in one for token_id in _encode(tokenizer, message, eos_token_id)]
        for one in past
    ]
    first = 0
    if len(system) + sum(map(len, encoded)) + len(last) > budget:
        asked = [
            len(_encode_question(tokenizer, one[0])) if one[0].role == "user" else 0 for one in past
        ]
        first = first_kept(
            list(map(len, encoded)),
            [*asked, len(last)],
            room=budget - len(system),
            refill=int(budget * KEPT_SHARE) - len(system),
        )
    joined = [token_id for ids in encoded[first:] for token_id in ids]
    return Prompt(system + joined + last, dropped_messages=sum(map(len, past[:first])))


def count_tokens(
    tokenizer: TextTokenizer, messages: Sequence[Message], *, eos_token_id: int
) -> list[int]:
    """Return how many tokens each message takes in the prompt that they make together."""
    counts = [len(_encode(tokenizer, message, eos_token_id)) for message in messages[:-1]]
    if messages:
        counts.append(len(_encode_last(tokenizer, messages[-1:], eos_token_id)))
    return counts


def _encode_last(
    tokenizer: TextTokenizer, messages: Sequence[Message], eos_token_id: int
) -> list[int]:
    """Return the last round: with the cue for the answer, or with an answer left open."""
    *before, last = messages
    ids = [token for message in before for token in _encode(tokenizer, message, eos_token_id)]
    if last.role == "user":
        return ids + _encode_question(tokenizer, last)
    if last.is_unfinished:
        return ids + tokenizer.encode(ASSISTANT + last.content)
    return ids + _encode(tokenizer, last, eos_token_id)


def _encode_question(tokenizer: TextTokenizer, message: Message) -> list[int]:
    return tokenizer.encode(HUMAN + message.content + TURN_END + ASSISTANT)


def _encode(tokenizer: TextTokenizer, message: Message, eos_token_id: int) -> list[int]:
    """Return a message that others follow."""
    if message.role == "system":
        return tokenizer.encode(message.content + TURN_END)
    if message.role == "user":
        return tokenizer.encode(HUMAN + message.content + TURN_END)
    return [*tokenizer.encode(ASSISTANT + message.content), eos_token_id]
