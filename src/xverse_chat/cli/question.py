"""The question of a script: from ``-p``, a pipe, or a file with a whole conversation."""

import os
import stat
import sys
from pathlib import Path

from xverse_chat.chat.backend import Message
from xverse_chat.chat.clean import clean_text
from xverse_chat.chat.conversation_file import MAX_FILE_BYTES, read_conversation
from xverse_chat.chat.session import check_answerable
from xverse_chat.errors import DataError, UsageError


def read_question(
    *, prompt: str | None, messages_file: Path | None, system: str | None
) -> tuple[Message, ...]:
    """Return the conversation a script wants answered.

    Piped text and ``-p`` together become one message, the piped text first, as when a file is
    put before a question. ``system`` takes the place of a system message in the file.
    """
    if messages_file is not None:
        if prompt is not None:
            raise UsageError("-p and --messages both say what to answer.", hint="Leave one out.")
        messages = read_conversation(messages_file)
    else:
        text = "\n\n".join(part for part in (_piped_text(), prompt) if part and part.strip())
        if not text:
            raise UsageError("There is nothing to answer: the prompt is empty.")
        messages = (Message("user", clean_text(text)),)
    if system:
        spoken = (message for message in messages if message.role != "system")
        messages = (Message("system", clean_text(system)), *spoken)
    return check_answerable(messages)


def _piped_text() -> str:
    """Return what a pipe or a file hands over on stdin; a terminal or device is not read."""
    try:
        kind = os.fstat(sys.stdin.fileno()).st_mode
    except (OSError, ValueError, AttributeError):  # closed, or replaced by something else
        return ""
    if not (stat.S_ISFIFO(kind) or stat.S_ISREG(kind) or stat.S_ISSOCK(kind)):
        return ""
    content = sys.stdin.buffer.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise DataError(f"More than {MAX_FILE_BYTES // 2**20} MiB came in on stdin.")
    return content.decode("utf-8-sig", "replace").rstrip("\r\n")
