"""Text files that go into a message, before what is asked about them. Standard library only."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from xverse_chat.chat.decoding import UTF8, decode
from xverse_chat.errors import DataError, DiskError, UsageError
from xverse_chat.wording import Sentence, say, system_reason

# Far more than any context holds, and read in no time: 1 MiB of Chinese is 350,000 characters,
# which a tokenizer takes a second for.
MAX_ATTACHED_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class Attachment:
    """A text file by the ``name`` it is known by. ``encoding`` is the one it was read in."""

    name: str
    text: str
    encoding: str
    size_bytes: int

    @property
    def under_header(self) -> str:
        """The text as it stands in a message, under its name."""
        return f"===== {self.name} =====\n{self.text}"


def read_attachment(path: Path) -> Attachment:
    """Read a text file.

    Raises UsageError where there is none, DiskError where it cannot be read, DataError where it
    is too large or no text.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_ATTACHED_BYTES + 1)
    except FileNotFoundError as error:
        raise UsageError(say("There is no file {path}.", path=path)) from error
    except IsADirectoryError as error:
        raise UsageError(
            say("{path} is a folder, and what is wanted is a text file.", path=path),
            hint=say("Name its files one by one."),
        ) from error
    except OSError as error:
        raise DiskError(
            say("{path} cannot be read: {reason}.", path=path, reason=system_reason(error))
        ) from error
    return parse_attachment(content, name=str(path))


def parse_attachment(content: bytes, *, name: str) -> Attachment:
    """Return ``content`` as a text of the name; raise DataError if it is too large or no text."""
    if len(content) > MAX_ATTACHED_BYTES:
        raise _too_large(say("{name} is larger than {limit} MiB", name=name, limit=_LIMIT_MIB))
    found = decode(content)
    if found is None:
        raise DataError(
            say("{name} is no text file: it is neither UTF-8 nor GB18030.", name=name),
            hint=say("Save it as UTF-8 text."),
        )
    text, encoding = found
    lines = text.replace("\r\n", "\n").replace("\r", "\n").strip("\n")
    return Attachment(_one_line(name), lines, encoding, len(content))


def check_together(attachments: Sequence[Attachment]) -> None:
    """Raise DataError when the attachments together are too large."""
    total = sum(attachment.size_bytes for attachment in attachments)
    if total > MAX_ATTACHED_BYTES:
        raise _too_large(
            say(
                "The {count} files have {size} MiB together",
                count=len(attachments),
                size=f"{total / 2**20:.1f}",
            )
        )


def put_before(attachments: Sequence[Attachment], question: str) -> str:
    """Return a message: every attachment under its name, then the question."""
    parts = [attachment.under_header for attachment in attachments]
    return "\n\n".join([*parts, question] if question else parts)


def encoding_notes(attachments: Sequence[Attachment]) -> list[Sentence]:
    """Return what the user should know of encodings that were guessed."""
    return [
        say("{name} was read as {encoding}.", name=attachment.name, encoding=attachment.encoding)
        for attachment in attachments
        if attachment.encoding != UTF8
    ]


_LIMIT_MIB = MAX_ATTACHED_BYTES // 2**20


def _too_large(fault: Sentence) -> DataError:
    return DataError(
        say(
            "{fault}; the files in a message may have {limit} MiB at most, which is far more than "
            "a model can read at once.",
            fault=fault,
            limit=_LIMIT_MIB,
        ),
        hint=say("Choose the part that matters."),
    )


def _one_line(name: str) -> str:
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in name)
