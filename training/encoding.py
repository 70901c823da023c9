"""Dialogues as token ids and labels, each message encoded on its own as upstream's ``chat()`` does.

In a conversation a reply is generated after ``Assistant: `` but comes back, one turn later, as
part of the string ``Assistant: {reply}``, with other ids at the seam: both forms are learned.
"""

from collections.abc import Callable, Sequence

from training.dialogues import Message
from training.tokenizer import EOS_ID
from xverse_chat.checkpoint.prompt_text import ASSISTANT, HUMAN, TURN_END

Encode = Callable[[str], list[int]]
IGNORED = -100


def prompt_ids(encode: Encode, messages: Sequence[Message]) -> list[int]:
    """Return the prompt of a conversation that ends with the user's message."""
    ids: list[int] = []
    for message in messages[:-1]:
        ids += encode(_past_text(message))
        if message["role"] == "assistant":
            ids.append(EOS_ID)
    return ids + encode(HUMAN + messages[-1]["content"] + TURN_END + ASSISTANT)


def training_ids(
    encode: Encode, messages: Sequence[Message], *, all_generated: bool
) -> tuple[list[int], list[int]]:
    """Return ids and labels of a conversation that ends with a reply.

    The last reply, or with ``all_generated`` every one, stands as it is when generated, the
    others as they are in a history. Every reply is learned, with the eos id after it.
    """
    ids: list[int] = []
    labels: list[int] = []
    for position, message in enumerate(messages):
        if message["role"] != "assistant":
            text = _past_text(message)
            if message["role"] == "user" and (all_generated or position == len(messages) - 2):
                text += ASSISTANT
            _append(ids, labels, encode(text), [])
        elif all_generated or position == len(messages) - 1:
            _append(ids, labels, [], [*encode(message["content"]), EOS_ID])
        else:
            cue = len(encode(ASSISTANT.rstrip()))
            reply = encode(_past_text(message))
            _append(ids, labels, reply[:cue], [*reply[cue:], EOS_ID])
    return ids, labels


def _past_text(message: Message) -> str:
    content = message["content"]
    if message["role"] == "system":
        return content + TURN_END
    if message["role"] == "user":
        return HUMAN + content + TURN_END
    return ASSISTANT + content


def _append(ids: list[int], labels: list[int], given: list[int], learned: list[int]) -> None:
    ids += given + learned
    labels += [IGNORED] * len(given) + learned
