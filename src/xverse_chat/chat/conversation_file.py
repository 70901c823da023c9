"""Reading a whole conversation from a JSON file. Standard library only.

The format is the one every chat API uses: ``[{"role": "user", "content": "…"}, …]``.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from xverse_chat.chat.backend import ROLES, Message
from xverse_chat.chat.clean import clean_text
from xverse_chat.chat.session import check_answerable
from xverse_chat.errors import DataError, DiskError, UsageError

MAX_FILE_BYTES = 16 * 2**20


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
            f"There is no file {path}.", hint="--messages wants a JSON file of messages."
        ) from error
    except OSError as error:
        raise DiskError(f"{path} cannot be read: {error.strerror}.") from error
    if len(content) > MAX_FILE_BYTES:
        raise DataError(
            f"{path} is larger than {MAX_FILE_BYTES // 2**20} MiB, too large for a conversation."
        )
    return parse_conversation(content, source=str(path))


def parse_conversation(content: bytes, *, source: str) -> tuple[Message, ...]:
    """Parse a JSON conversation; ``source`` names it in errors."""
    try:
        data = json.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise DataError(
            f"{source} is not UTF-8 text: byte {error.start} is wrong.", hint="Save it as UTF-8."
        ) from error
    except json.JSONDecodeError as error:
        raise DataError(
            f"{source} is not JSON: {error.msg} in line {error.lineno}, column {error.colno}.",
            hint='It must look like [{"role": "user", "content": "你好"}].',
        ) from error
    except (RecursionError, ValueError) as error:
        raise DataError(f"{source} is not a JSON list of messages.") from error
    if not isinstance(data, list) or not data:
        raise DataError(
            f"{source} holds no list of messages.",
            hint='It must look like [{"role": "user", "content": "你好"}].',
        )
    return parse_messages(data, source=source)


def parse_messages(data: Sequence[Any], *, source: str = "the list") -> tuple[Message, ...]:
    """Check a list of ``{"role", "content"}``; ``source`` names it in the DataError."""
    return check_answerable(
        _message(item, where=f"Message {position} of {source}")
        for position, item in enumerate(data, start=1)
    )


def _message(item: Any, *, where: str) -> Message:
    if not isinstance(item, Mapping):
        raise DataError(f'{where} is not an object with "role" and "content".')
    role, content = item.get("role"), item.get("content")
    if role not in ROLES:
        raise DataError(f"{where} has the role {role!r}; known are {', '.join(ROLES)}.")
    if not isinstance(content, str) or not content.strip():
        raise DataError(f'{where} has no text: "content" must be a string that is not empty.')
    return Message(role, clean_text(content))
