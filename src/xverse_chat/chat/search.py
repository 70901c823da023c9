"""Finding text in all saved conversations, one Chinese character included. Standard library only.

No index: there is nothing that can be stale or lost. Most files are only looked through as bytes,
which takes well under a second for thousands.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from xverse_chat.chat.backend import Message
from xverse_chat.chat.log import parse_log
from xverse_chat.chat.session import Session
from xverse_chat.chat.store import Store
from xverse_chat.errors import DataError, UsageError
from xverse_chat.wording import say

# Characters of a message shown on either side of what was found.
AROUND_CHARACTERS = 24
MAX_WANTED_CHARACTERS = 1000


@dataclass(frozen=True, slots=True)
class Hit:
    """A message that holds what was wanted: ``before + found + after`` is a line of it.

    ``number`` counts the messages of the conversation from 1, without the system text.
    """

    identity: str
    title: str
    number: int
    role: str
    before: str
    found: str
    after: str


@dataclass(slots=True)
class Search:
    """One search. ``unreadable`` collects the conversations that could not be looked into."""

    store: Store
    wanted: str
    unreadable: list[str] = field(default_factory=list)

    def hits(self) -> Iterator[Hit]:
        """Yield one hit for each message, those of the conversation talked in last first.

        Capitals make no difference. What was put aside in a conversation is not looked at.
        Raises UsageError when nothing is wanted, or far too much.
        """
        if not self.wanted.strip() or len(self.wanted) > MAX_WANTED_CHARACTERS:
            raise UsageError(
                say(
                    "What to find must have from 1 to {limit} characters.",
                    limit=MAX_WANTED_CHARACTERS,
                )
            )
        pattern = re.compile(re.escape(self.wanted), re.IGNORECASE)
        may_hold = _Sieve(self.wanted)
        for identity in self.store.identities():
            try:
                content = self.store.content(identity)
                if may_hold(content):
                    session = Session.replay(parse_log(content).events)
                    yield from _hits_in(session, pattern, identity)
            except DataError:
                self.unreadable.append(identity)


class _Sieve:
    """Tells quickly which files cannot hold a text."""

    def __init__(self, wanted: str) -> None:
        # As it stands in a line of JSON, and in small letters.
        self._bytes = json.dumps(wanted, ensure_ascii=False)[1:-1].lower().encode()
        # Other scripts have capitals too: then every file has to be read.
        self._is_sure = all(
            character.isascii() or character.lower() == character.upper() for character in wanted
        )

    def __call__(self, content: bytes) -> bool:
        """Tell whether the file may hold it, also where another program wrote escapes."""
        return not self._is_sure or self._bytes in content.lower() or b"\\u" in content


def _hits_in(session: Session, pattern: re.Pattern[str], identity: str) -> Iterator[Hit]:
    messages = [session.message(at) for at in session.path()]
    if session.unanswered:
        messages.append(Message("user", session.unanswered))
    for number, message in enumerate(messages, start=1):
        if match := pattern.search(message.content):
            before = message.content[max(0, match.start() - AROUND_CHARACTERS) : match.start()]
            after = message.content[match.end() : match.end() + AROUND_CHARACTERS]
            yield Hit(
                identity,
                session.title,
                number,
                message.role,
                before=before.rpartition("\n")[2],
                found=match.group(),
                after=after.partition("\n")[0],
            )
