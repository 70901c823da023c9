"""What a script wants answered: from ``-p``, a pipe, files, or a file with a whole conversation."""

import os
import stat
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from xverse_chat.chat.answerable import check_answerable
from xverse_chat.chat.attachment import (
    MAX_ATTACHED_BYTES,
    Attachment,
    check_together,
    parse_attachment,
    put_before,
    read_attachment,
)
from xverse_chat.chat.backend import Message
from xverse_chat.chat.clean import clean_text
from xverse_chat.chat.conversation_file import (
    MAX_FILE_BYTES,
    parse_conversation,
    read_conversation,
)
from xverse_chat.chat.decoding import decode
from xverse_chat.errors import DataError, UsageError
from xverse_chat.wording import say

# In place of a file's name: what is piped in.
STDIN = "-"


@dataclass(frozen=True, slots=True)
class Inquiry:
    """What the options say is to be answered; ``files`` go before the last question."""

    prompt: str | None
    messages_file: str | None
    files: tuple[str, ...]
    system: str | None

    def __post_init__(self) -> None:
        if self.prompt is not None and self.messages_file is not None:
            raise UsageError(
                say("-p and --messages both say what to answer."), hint=say("Leave one out.")
            )
        if [self.messages_file, *self.files].count(STDIN) > 1:
            raise UsageError(
                say("What is piped in can be read once, and - names it more than once.")
            )

    @property
    def reads_stdin(self) -> bool:
        """Whether a file is named that stands for what is piped in."""
        return STDIN in (self.messages_file, *self.files)


def read_attachments(files: Sequence[str]) -> tuple[Attachment, ...]:
    """Read the files of ``-f``. Raises what ``read_attachment`` does."""
    attachments = tuple(
        parse_attachment(_named_stdin(MAX_ATTACHED_BYTES), name="stdin")
        if file == STDIN
        else read_attachment(Path(file).expanduser())
        for file in files
    )
    check_together(attachments)
    return attachments


def read_question(inquiry: Inquiry, attachments: Sequence[Attachment]) -> tuple[Message, ...]:
    """Return the conversation a script wants answered.

    Files, piped text and ``-p`` together become one message in this order, as when a file is put
    before a question. ``system`` takes the place of a system message in the file.
    """
    if inquiry.messages_file is not None:
        *before, question = _read_messages(inquiry.messages_file)
        question = replace(question, content=put_before(attachments, question.content))
        messages = (*before, question)
    else:
        piped = "" if inquiry.reads_stdin else _piped_text()
        asked = "\n\n".join(part for part in (piped, inquiry.prompt) if part and part.strip())
        if not asked and not any(attachment.text for attachment in attachments):
            raise UsageError(
                say("There is nothing to answer: the prompt is empty."),
                hint=say("Put the question after -p, or pipe it in."),
            )
        messages = (Message("user", clean_text(put_before(attachments, asked))),)
    if inquiry.system:
        spoken = (message for message in messages if message.role != "system")
        messages = (Message("system", clean_text(inquiry.system)), *spoken)
    return check_answerable(messages)


def _read_messages(file: str) -> tuple[Message, ...]:
    if file == STDIN:
        return parse_conversation(_named_stdin(MAX_FILE_BYTES), source="stdin")
    return read_conversation(Path(file).expanduser())


def _named_stdin(limit: int) -> bytes:
    """Return what is piped in, and one byte more than ``limit`` at most."""
    if sys.stdin.isatty():
        raise UsageError(say("- stands for what is piped in, and nothing is: stdin is a terminal."))
    return sys.stdin.buffer.read(limit + 1)


def _piped_text() -> str:
    """Return what a pipe or a file hands over on stdin; a terminal or device is not read."""
    try:
        kind = os.fstat(sys.stdin.fileno()).st_mode
    except (OSError, ValueError):  # closed, or replaced by something else
        return ""
    if not (stat.S_ISFIFO(kind) or stat.S_ISREG(kind) or stat.S_ISSOCK(kind)):
        return ""
    content = sys.stdin.buffer.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise DataError(
            say("More than {limit} MiB came in on stdin.", limit=MAX_FILE_BYTES // 2**20)
        )
    found = decode(content)
    text = found[0] if found is not None else content.decode("utf-8-sig", "replace")
    return text.rstrip("\r\n")
