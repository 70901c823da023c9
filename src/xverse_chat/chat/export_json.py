"""A conversation as the JSON that every chat API and ``--messages`` read. Standard library only."""

import json

from xverse_chat.chat.backend import Message
from xverse_chat.chat.events import ending
from xverse_chat.chat.transcript import Transcript


def to_json(transcript: Transcript) -> str:
    """Return a list of ``{"role", "content"}``.

    A message that was not said to its end has a third key, ``"ending"``: ``interrupted``, or
    ``length`` where it met the limit of its length.
    """
    listed = [_object(message) for message in transcript.messages]
    return json.dumps(listed, ensure_ascii=False, indent=2) + "\n"


def _object(message: Message) -> dict[str, str]:
    said = {"role": str(message.role), "content": message.content}
    reason = ending(message)
    return said if reason == "stop" else {**said, "ending": reason}
