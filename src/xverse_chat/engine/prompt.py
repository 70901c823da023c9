"""From messages to the token ids that the model was trained to see.

Exactly the ids of upstream's ``chat()``: each message is encoded on its own, from the newest to
the oldest, until the budget is used up. Its defects are not repeated: text never becomes a
control token, a message too long is an error and is not cut, and what was dropped is told.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from transformers import PreTrainedTokenizerFast

from xverse_chat.chat.backend import Message
from xverse_chat.chat.session import check_answerable
from xverse_chat.checkpoint.prompt_text import ASSISTANT, HUMAN, TURN_END
from xverse_chat.engine.tokenizer import encode_text
from xverse_chat.errors import ContextLengthError


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
    system text and the last message always stay. Raises ContextLengthError when those two alone
    are longer than the budget, DataError for a conversation that cannot be answered.
    """
    checked = check_answerable(messages)
    has_system = checked[0].role == "system"
    spoken = checked[1:] if has_system else checked
    system = encode_text(tokenizer, checked[0].content + TURN_END) if has_system else []
    budget = prompt_budget(context_tokens, max_new_tokens)

    last = encode_text(tokenizer, HUMAN + spoken[-1].content + TURN_END + ASSISTANT)
    used = len(system) + len(last)
    if used > budget:
        raise _too_long(len(last), len(system), budget, context_tokens, max_new_tokens)
    kept = [last]
    kept_messages = 1
    for messages_of_round in _rounds_from_newest(spoken[:-1]):
        ids = [
            token_id
            for message in messages_of_round
            for token_id in _encode_past(tokenizer, message, eos_token_id)
        ]
        if used + len(ids) > budget:
            break
        used += len(ids)
        kept.append(ids)
        kept_messages += len(messages_of_round)
    joined = [token_id for ids in reversed(kept) for token_id in ids]
    return Prompt(system + joined, dropped_messages=len(spoken) - kept_messages)


def _rounds_from_newest(messages: Sequence[Message]) -> list[list[Message]]:
    """Return the rounds, newest first. An answer at the very beginning is a round of its own."""
    rounds: list[list[Message]] = []
    for message in messages:
        if message.role == "user" or not rounds:
            rounds.append([])
        rounds[-1].append(message)
    return rounds[::-1]


def _encode_past(
    tokenizer: PreTrainedTokenizerFast, message: Message, eos_token_id: int
) -> list[int]:
    if message.role == "user":
        return encode_text(tokenizer, HUMAN + message.content + TURN_END)
    return [*encode_text(tokenizer, ASSISTANT + message.content), eos_token_id]


def _too_long(
    message_tokens: int, system_tokens: int, budget: int, context_tokens: int, max_new_tokens: int
) -> ContextLengthError:
    system = f" and the system text {system_tokens}" if system_tokens else ""
    hint = "Send less text at once."
    if budget > context_tokens // 2:
        hint = f"Send less text at once, or lower --max-new-tokens (now {max_new_tokens})."
    return ContextLengthError(
        f"The message has {message_tokens} tokens{system}; of the model's context of "
        f"{context_tokens} tokens {budget} are left for them beside the answer.",
        hint=hint,
    )
