"""What fits into the context, and what has to go. Standard library only.

The oldest rounds go, as upstream lets them, but many at once. Dropping only as many as needed
would move the start of the prompt in every turn from then on, and with it every token: nothing in
the KV cache could be used again and each answer would wait for a whole context.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from xverse_chat.chat.backend import Backend, Message
from xverse_chat.chat.session import Session
from xverse_chat.chat.turn import Turn
from xverse_chat.config import GenerationSettings
from xverse_chat.errors import ContextLengthError
from xverse_chat.wording import NOTHING, say

# Of the budget, what is used at most after rounds were dropped. The other 40 % are free for new
# turns before the next drop: 2457 tokens with a context of 8192 and answers of up to 2048.
KEPT_SHARE = 0.6


@dataclass(frozen=True, slots=True)
class Overflow:
    """The rounds that have to go before a turn, counted from 1 over the whole conversation.

    ``through`` is the number of the last message that goes. ``needed_tokens`` is what the prompt
    would have with them, ``kept_tokens`` what it has without, ``budget_tokens`` its limit.
    """

    first_round: int
    last_round: int
    through: int
    questions: tuple[str, ...]
    needed_tokens: int
    kept_tokens: int
    budget_tokens: int


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a turn will take: the tokens of its prompt, of a context of ``context_tokens``."""

    prompt_tokens: int
    context_tokens: int
    overflow: Overflow | None = None


def prompt_budget(context_tokens: int, max_new_tokens: int) -> int:
    """Return how many tokens a prompt may have, upstream's rule: at least half the context."""
    return max(context_tokens // 2, context_tokens - max_new_tokens)


def context_used(session: Session, backend: Backend) -> int:
    """Return how many tokens the model reads of a conversation as it stands."""
    return sum(backend.count_tokens(session.prompt()))


def look_ahead(turn: Turn, backend: Backend, settings: GenerationSettings) -> Outlook:
    """Return what a turn will take, and which rounds have to go first. Nothing is computed.

    Raises ContextLengthError when system text, summary and question alone are too long.
    """
    messages = turn.messages
    tokens = backend.count_tokens(messages)
    context = backend.description.context_tokens
    head = 1 if messages[0].role == "system" else 0
    rounds = split_rounds(messages[head:])
    sizes = _sizes(rounds, tokens[head:])
    budget = prompt_budget(context, settings.max_new_tokens)
    fixed = sum(tokens[:head])
    if fixed + sizes[-1] > budget:
        raise too_long(sizes[-1], fixed, context, settings.max_new_tokens)
    needed = sum(tokens)
    if needed <= budget:
        return Outlook(needed, context)
    going, kept = 0, needed
    while going < len(rounds) - 1 and kept > int(budget * KEPT_SHARE):
        kept -= sizes[going]
        going += 1
    given = turn.given
    gone = _rounds_before(turn.session, given, turn.base)
    overflow = Overflow(
        first_round=gone + 1,
        last_round=gone + going,
        through=given[sum(map(len, rounds[:going])) - 1],
        questions=tuple(one[0].content for one in rounds[:going]),
        needed_tokens=needed,
        kept_tokens=kept,
        budget_tokens=budget,
    )
    return Outlook(kept, context, overflow)


def rounds_left_out(session: Session) -> int:
    """Return how many rounds at the beginning the model is no longer given."""
    return _rounds_before(session, session.given(), session.position)


def _rounds_before(session: Session, given: Sequence[int], position: int) -> int:
    path = session.path(position)
    return len(split_rounds([session.message(n) for n in path[: len(path) - len(given)]]))


def split_rounds(messages: Sequence[Message]) -> list[list[Message]]:
    """Return the rounds, oldest first: a question and what answers it.

    An answer at the very beginning is a round of its own.
    """
    rounds: list[list[Message]] = []
    for message in messages:
        if message.role == "user" or not rounds:
            rounds.append([])
        rounds[-1].append(message)
    return rounds


def first_kept(past: Sequence[int], asked: Sequence[int], *, room: int, refill: int) -> int:
    """Return which round is the oldest that the last turn keeps, where nothing records it.

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


def too_long(
    message_tokens: int, system_tokens: int, context_tokens: int, max_new_tokens: int
) -> ContextLengthError:
    """Return the error that tells why a message, beside the system text, has no room."""
    budget = prompt_budget(context_tokens, max_new_tokens)
    system = (
        say(" and the system text {tokens}", tokens=system_tokens) if system_tokens else NOTHING
    )
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


def refusal(outlook: Outlook, overflow: Overflow) -> ContextLengthError:
    """Return the error for a message that does not fit where nothing may be dropped."""
    return ContextLengthError(
        say(
            "With this message the conversation has {needed} tokens; of the model's context of "
            "{context} tokens {budget} are left for it beside the answer.",
            needed=overflow.needed_tokens,
            context=outlook.context_tokens,
            budget=overflow.budget_tokens,
        ),
        hint=say(
            "Nothing was sent. /context drop or /context summarise makes room, /new begins a new "
            "conversation."
        ),
    )


def _sizes(rounds: Sequence[Sequence[Message]], tokens: Sequence[int]) -> list[int]:
    """Return the tokens of each round."""
    sizes, start = [], 0
    for one in rounds:
        sizes.append(sum(tokens[start : start + len(one)]))
        start += len(one)
    return sizes
