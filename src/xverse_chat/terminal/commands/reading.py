"""``/read``: a text file into the next message."""

from collections.abc import Iterable

from xverse_chat.chat.attachment import check_together, encoding_notes, read_attachment
from xverse_chat.terminal.commands.arguments import file_candidates, need, parse_path
from xverse_chat.terminal.commands.command import Candidate, Command, Desk
from xverse_chat.terminal.measures import format_bytes
from xverse_chat.wording import say


def _read(desk: Desk, argument: str) -> None:
    path = parse_path(need(argument, say("Say which file.")))
    attachment = read_attachment(path)
    check_together([*desk.attachments, attachment])
    desk.attachments.append(attachment)
    tell_attachments(desk)


def tell_attachments(desk: Desk) -> None:
    """Say what goes with the next message."""
    names = ", ".join(f"{file.name} ({format_bytes(file.size_bytes)})" for file in desk.attachments)
    told = desk.texts.attached if desk.session.is_empty else desk.texts.attached_next
    desk.renderer.notice(told.format(names=names))
    for note in encoding_notes(desk.attachments):
        desk.renderer.notice(desk.texts.told(note))


def _files(desk: Desk, typed: str) -> Iterable[Candidate]:
    return file_candidates(typed)


READ = Command(
    name="/read",
    run=_read,
    help=say("put a text file into the next message"),
    argument=say("FILE"),
    candidates=_files,
    edits_session=True,
)
