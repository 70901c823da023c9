"""``/export``: the conversation as a file for others."""

from collections.abc import Iterable

from xverse_chat.terminal.commands.arguments import file_candidates, need, parse_path
from xverse_chat.terminal.commands.command import Candidate, Command, Desk
from xverse_chat.wording import say


def _export(desk: Desk, argument: str) -> None:
    # Here and not before: Markdown is not what the first prompt should wait for.
    from xverse_chat.terminal.export.exporting import SUFFIXES, export

    missing = say("Say which file; it ends in {suffixes}.", suffixes=" ".join(SUFFIXES))
    path = parse_path(need(argument, missing))
    export(desk.keeper.transcript(), path, desk.texts)
    desk.tell(say("The conversation is in {path}.", path=path.absolute()))


def _files(desk: Desk, typed: str) -> Iterable[Candidate]:
    from xverse_chat.terminal.export.exporting import SUFFIXES

    yield from file_candidates(typed, SUFFIXES)
    if typed and not typed.endswith("/") and "." not in typed.rpartition("/")[2]:
        yield from (Candidate(typed + suffix) for suffix in SUFFIXES)


EXPORT = Command(
    name="/export",
    run=_export,
    help=say("write the conversation into a file: .md, .json or .html"),
    argument=say("FILE"),
    candidates=_files,
)
