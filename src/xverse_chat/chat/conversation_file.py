"""Reading a whole conversation from a JSON file. Standard library only.

The format is the one every chat API uses: ``[{"role": "user", "content": "…"}, …]``.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from xverse_chat.chat.answerable import check_answerable
from xverse_chat.chat.backend import ROLES, Message
from xverse_chat.chat.clean import clean_text
from xverse_chat.errors import DataError, DiskError, UsageError
from xverse_chat.wording import Sentence, foreign, say, system_reason

MAX_FILE_BYTES = 16 * 2**20
_THE_LIST = say("the list")


def read_conversation(path: Path) -> tuple[Message, ...]:
    """Read a conversation that ends with the user's turn.

    Raises DataError saying where it is wrong, UsageError when there is no such file. Keys beside
    role and content are ignored.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError as error:
        raise UsageError(
            say("There is no file {path}.", path=path),
            hint=say("--messages wants a JSON file of messages."),
        ) from error
    except OSError as error:
        raise DiskError(
            say("{path} cannot be read: {reason}.", path=path, reason=system_reason(error))
        ) from error
    if len(content) > MAX_FILE_BYTES:
        raise DataError(
            say(
                "{path} is larger than {limit} MiB, too large for a conversation.",
                path=path,
                limit=MAX_FILE_BYTES // 2**20,
            )
        )
    return parse_conversation(content, source=str(path))


def parse_conversation(content: bytes, *, source: str) -> tuple[Message, ...]:
    """Parse a JSON conversation; ``source`` names it in errors."""
    try:
        data = json.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise DataError(
            say(
                "{source} is not UTF-8 text: byte {position} is wrong.",
                source=source,
                position=error.start,
            ),
            hint=say("Save it as UTF-8."),
        ) from error
    except json.JSONDecodeError as error:
        raise DataError(
            say(
                "{source} is not JSON: {fault} in line {line}, column {column}.",
                source=source,
                fault=foreign(error.msg),
                line=error.lineno,
                column=error.colno,
            ),
            hint=say('It must look like [{"role": "user", "content": "你好"}].'),
        ) from error
    except (RecursionError, ValueError) as error:
        raise DataError(say("{source} is not a JSON list of messages.", source=source)) from error
    if not isinstance(data, list) or not data:
        raise DataError(
            say("{source} holds no list of messages.", source=source),
            hint=say('It must look like [{"role": "user", "content": "你好"}].'),
        )
    return parse_messages(data, source=source)


def parse_messages(data: Sequence[Any], *, source: str = _THE_LIST) -> tuple[Message, ...]:
    """Check a list of ``{"role", "content"}``; ``source`` names it in the DataError."""
    return check_answerable(
        _message(item, where=say("Message {number} of {source}", number=number, source=source))
        for number, item in enumerate(data, start=1)
    )


def _message(item: Any, *, where: Sentence) -> Message:
    if not isinstance(item, Mapping):
        raise DataError(say('{where} is not an object with "role" and "content".', where=where))
    role, content = item.get("role"), item.get("content")
    if role not in ROLES:
        raise DataError(
            say(
                "{where} has the role {role!r}; known are {known}.",
                where=where,
                role=role,
                known=", ".join(ROLES),
            )
        )
    if not isinstance(content, str) or not content.strip():
        raise DataError(
            say('{where} has no text: "content" must be a string that is not empty.', where=where)
        )
    return Message(role, clean_text(content))
