"""What can happen to a conversation, and how each event is written. Standard library only.

A conversation is the list of its events; nothing in the list is ever changed. Messages are
numbered from 1 in the order of their events, 0 stands for the place before the first one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from xverse_chat.chat.backend import FinishReason, Message
from xverse_chat.chat.clean import clean_text
from xverse_chat.errors import DataError
from xverse_chat.wording import say


class Policy(Enum):
    """What to do when a conversation outgrows the context: chosen once for each."""

    DROP = "drop"
    SUMMARISE = "summarise"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Said:
    """A message said after the one numbered ``after``; the conversation now ends with it."""

    after: int
    message: Message


@dataclass(frozen=True, slots=True)
class Grown:
    """A message that was not said to its end and went on by ``content``."""

    number: int
    content: str
    ending: FinishReason


@dataclass(frozen=True, slots=True)
class Moved:
    """The conversation now ends with message ``to``. What stood behind it is kept, aside."""

    to: int


@dataclass(frozen=True, slots=True)
class SystemSet:
    """The text before the conversation; empty for none."""

    content: str


@dataclass(frozen=True, slots=True)
class Named:
    """The name that the user gave."""

    name: str


@dataclass(frozen=True, slots=True)
class PolicyChosen:
    """What to do when the context is full."""

    policy: Policy


@dataclass(frozen=True, slots=True)
class Dropped:
    """The model is no longer given the messages up to number ``through``."""

    through: int


@dataclass(frozen=True, slots=True)
class Summarised:
    """Instead of the messages up to number ``through`` the model is given ``content``."""

    through: int
    content: str


# How each kind of event is called where it is written.
KINDS = ("message", "grow", "go", "system", "name", "policy", "drop", "summary")

Event = Said | Grown | Moved | SystemSet | Named | PolicyChosen | Dropped | Summarised


def event_to_json(event: Event) -> dict[str, object]:
    """Return an event as it is written, its kind first."""
    match event:
        case Said(after, message):
            said: dict[str, object] = {"kind": "message", "after": after, "role": message.role}
            said["content"] = message.content
            return said if (reason := ending(message)) == "stop" else {**said, "ending": reason}
        case Grown(number, content, reason):
            return {"kind": "grow", "number": number, "content": content, "ending": reason}
        case Moved(to):
            return {"kind": "go", "to": to}
        case SystemSet(content):
            return {"kind": "system", "content": content}
        case Named(name):
            return {"kind": "name", "name": name}
        case PolicyChosen(policy):
            return {"kind": "policy", "policy": policy.value}
        case Dropped(through):
            return {"kind": "drop", "through": through}
        case Summarised(through, content):
            return {"kind": "summary", "through": through, "content": content}


def event_from_json(data: Mapping[str, Any]) -> Event:
    """Return the event that was written; keys it does not know are ignored.

    Raises DataError for one that cannot be, and for a kind that only a newer version knows.
    """
    kind = data.get("kind")
    match kind:
        case "message":
            role = _choice(data, "role", ("user", "assistant"))
            reason = _ending(data, "stop")
            message = Message(role, _text(data, "content"), **_flags(reason))  # type: ignore[arg-type]
            return Said(_number(data, "after"), message)
        case "grow":
            return Grown(_number(data, "number"), _text(data, "content"), _ending(data))
        case "go":
            return Moved(_number(data, "to"))
        case "system":
            return SystemSet(_text(data, "content"))
        case "name":
            return Named(_text(data, "name"))
        case "policy":
            return PolicyChosen(Policy(_choice(data, "policy", [one.value for one in Policy])))
        case "drop":
            return Dropped(_number(data, "through"))
        case "summary":
            return Summarised(_number(data, "through"), _text(data, "content"))
    if isinstance(kind, str) and kind:
        raise DataError(
            say(
                "it holds an event of the kind {kind!r}, which this version does not know",
                kind=kind,
            ),
            hint=say("A newer version of xverse-chat wrote it: use that one. Nothing was changed."),
        )
    raise DataError(say("it holds a line that is no event"))


def ending(message: Message) -> FinishReason:
    """Return how a message ended."""
    if message.interrupted:
        return "interrupted"
    return "length" if message.cut_off else "stop"


def finished_message(content: str, reason: FinishReason) -> Message:
    """Return an answer that ended so."""
    return Message("assistant", content, **_flags(reason))


def _flags(reason: FinishReason) -> dict[str, bool]:
    return {"interrupted": reason == "interrupted", "cut_off": reason == "length"}


def _ending(data: Mapping[str, Any], default: str | None = None) -> FinishReason:
    if default is not None and "ending" not in data:
        return "stop"
    reason: FinishReason = _choice(data, "ending", ("stop", "length", "interrupted"))  # type: ignore[assignment]
    return reason


def _number(data: Mapping[str, Any], key: str) -> int:
    value = data.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise DataError(say("the {key!r} of an event is no number of a message", key=key))
    return value


def _text(data: Mapping[str, Any], key: str) -> str:
    value = data.get(key)
    if not isinstance(value, str):
        raise DataError(say("the {key!r} of an event is no text", key=key))
    return clean_text(value)


def _choice(data: Mapping[str, Any], key: str, choices: "tuple[str, ...] | list[str]") -> str:
    value = data.get(key)
    if not isinstance(value, str) or value not in choices:
        raise DataError(
            say("the {key!r} of an event is none of {choices}", key=key, choices=", ".join(choices))
        )
    return value
