"""``/new /save /load /sessions /find``: the conversations that are kept."""

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from itertools import islice

from xverse_chat.chat.listing import Row
from xverse_chat.chat.search import AROUND_CHARACTERS, Hit, Search
from xverse_chat.chat.store import Store
from xverse_chat.errors import UsageError, XverseChatError
from xverse_chat.terminal.commands.arguments import need, parse_number
from xverse_chat.terminal.commands.command import Candidate, Command, Desk
from xverse_chat.terminal.recall import show_opened
from xverse_chat.wording import say

MOST_ROWS = 20
MOST_HITS = 20


def _start_anew(desk: Desk, argument: str) -> None:
    desk.keeper.begin(desk.session.system)
    desk.attachments.clear()
    desk.last = None
    desk.renderer.notice(desk.texts.new_conversation)


def _save(desk: Desk, argument: str) -> None:
    _store(desk)
    if not desk.keeper.saves:
        raise UsageError(
            say("This conversation is not saved, because of --no-save."),
            hint=say("/export FILE.json writes it into a file."),
        )
    if argument:
        desk.keeper.rename(argument)
    desk.keeper.save()
    if desk.keeper.identity is None:
        desk.tell(say("It is saved as soon as something is said."))
        return
    desk.tell(say("Saved as “{title}”. /load opens it again.", title=desk.session.title))


def _load(desk: Desk, argument: str) -> None:
    store = _store(desk)
    wanted = need(argument, say("Say which: its number in /sessions, or how its title begins."))
    identity = None
    if wanted.isascii() and wanted.isdigit() and len(wanted) < 6:
        listed = desk.listed or [row.identity for row in store.rows()]
        identity = listed[int(wanted) - 1] if 1 <= int(wanted) <= len(listed) else None
    identity = identity or store.find(wanted)
    if identity is None:
        raise UsageError(
            say("There is no conversation {name!r}.", name=wanted),
            hint=say("/sessions lists them, /find looks into them."),
        )
    opened = desk.keeper.open(identity)
    desk.last = None
    show_opened(opened, desk.renderer, desk.texts)
    desk.draft = opened.session.unanswered


def _titles(desk: Desk, typed: str) -> Iterable[Candidate]:
    if desk.keeper.store is None:
        return
    with suppress(XverseChatError):
        others = (
            row
            for row in desk.keeper.store.rows()
            if row.identity != desk.keeper.identity and row.title.startswith(typed)
        )
        for row in islice(others, MOST_ROWS):
            yield Candidate(row.title or row.identity, _when(row.last_at))


def _list(desk: Desk, argument: str) -> None:
    rows = list(_store(desk).rows())
    desk.listed = [row.identity for row in rows]
    if not rows:
        desk.tell(say("There are no saved conversations yet."))
        return
    told = desk.texts.told
    shown = rows[: parse_number(argument) if argument else MOST_ROWS]
    desk.renderer.table(
        told(say("Conversations, the one talked in last first")),
        [(str(number), _describe(desk, row)) for number, row in enumerate(shown, start=1)],
    )
    if len(shown) < len(rows):
        desk.tell(
            say(
                "{count} older ones are left out: /sessions {total} lists all, /find looks into "
                "them.",
                count=len(rows) - len(shown),
                total=len(rows),
            )
        )
    desk.tell(say("/load and a number opens one."))


def _describe(desk: Desk, row: Row) -> str:
    told = desk.texts.told
    parts = [
        row.title or told(say("(no title)")),
        _when(row.last_at),
        told(say("1 question"))
        if row.questions == 1
        else told(say("{count} questions", count=row.questions)),
        told(say("open now")) if row.identity == desk.keeper.identity else "",
    ]
    return " · ".join(part for part in parts if part)


def _find(desk: Desk, argument: str) -> None:
    store = _store(desk)
    search = Search(store, need(argument, say("Say what to look for.")))
    hits = list(islice(search.hits(), MOST_HITS + 1))
    desk.listed = list(dict.fromkeys(hit.identity for hit in hits[:MOST_HITS]))
    if not hits:
        desk.tell(say("“{wanted}” is in no saved conversation.", wanted=argument))
    titles = {hit.identity: hit.title for hit in hits[:MOST_HITS]}
    speakers = {"user": desk.texts.you_label, "assistant": desk.texts.model_label}
    for number, identity in enumerate(desk.listed, start=1):
        desk.renderer.table(
            f"{number}  {titles[identity]}",
            [
                ("", speakers.get(hit.role, "") + _excerpt(hit))
                for hit in hits[:MOST_HITS]
                if hit.identity == identity
            ],
        )
    if len(hits) > MOST_HITS:
        desk.tell(say("There is more. A longer text finds less."))
    if search.unreadable:
        desk.tell(
            say(
                "{count} conversations could not be looked into: they are damaged.",
                count=len(search.unreadable),
            )
        )
    if hits:
        desk.tell(say("/load and a number opens one."))


def _excerpt(hit: Hit) -> str:
    """Return what is around a hit, with ellipses where a line goes on."""
    before = "…" if len(hit.before) == AROUND_CHARACTERS else ""
    after = "…" if len(hit.after) == AROUND_CHARACTERS else ""
    return before + hit.before + hit.found + hit.after + after


def _store(desk: Desk) -> Store:
    if desk.keeper.store is None:
        raise UsageError(say("No conversations are kept here."))
    return desk.keeper.store


def _when(time: str) -> str:
    """Return a time in UTC by the clock of this place."""
    with suppress(ValueError):
        return f"{datetime.fromisoformat(time).astimezone():%Y-%m-%d %H:%M}"
    return ""


KEEPING = (
    Command(
        name="/new",
        run=_start_anew,
        help=say("start a new conversation; the system text stays"),
        edits_session=True,
    ),
    Command(
        name="/save",
        run=_save,
        help=say("give the conversation a name (it is saved in any case)"),
        argument=say("[NAME]"),
    ),
    Command(
        name="/load",
        run=_load,
        help=say("open another conversation, by its number or name"),
        argument=say("NAME"),
        candidates=_titles,
        edits_session=True,
    ),
    Command(
        name="/sessions",
        run=_list,
        help=say("list the saved conversations"),
        argument=say("[COUNT]"),
    ),
    Command(
        name="/find",
        run=_find,
        help=say("look for a text in all conversations"),
        argument=say("TEXT"),
    ),
)
