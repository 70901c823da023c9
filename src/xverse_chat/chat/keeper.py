"""The conversation of the moment, and that it is saved. Standard library only."""

from dataclasses import dataclass
from pathlib import Path

from xverse_chat.chat.journal import Journal
from xverse_chat.chat.session import Session
from xverse_chat.chat.store import Opened, Store
from xverse_chat.chat.title import one_line, shorten
from xverse_chat.chat.transcript import Transcript
from xverse_chat.errors import UsageError
from xverse_chat.wording import NOTHING, Sentence, say, system_reason

MAX_NAME_COLUMNS = 100


@dataclass(frozen=True, slots=True)
class SavingNews:
    """That saving began to fail, with the reason, or works again, without one."""

    path: Path
    reason: Sentence


class Keeper:
    """Holds the session that is talked in, and has each change of it saved.

    Without a store, or with ``saves`` off, nothing is ever written.
    """

    def __init__(self, store: Store | None, *, model_id: str, saves: bool = True) -> None:
        self.store = store
        self.saves = saves and store is not None
        self._model_id = model_id
        self._journal: Journal | None = None
        self._failed = False
        self.session = Session()
        self.begin("")

    @property
    def identity(self) -> str | None:
        """Under which identity the conversation is saved; None while it is not."""
        return self._journal.identity if self._journal is not None else None

    def begin(self, system: str) -> Session:
        """Begin a new conversation; the one before stays saved."""
        journal = self.store.begin(self._model_id) if self.store and self.saves else None
        return self._take(Session(system), journal)

    def open(self, identity: str) -> Opened:
        """Go on with a saved conversation; the one before stays saved.

        Raises DataError, and nothing changes, when it cannot be read.
        """
        if self.store is None:
            raise UsageError(say("No conversations are kept here."))
        if identity == self.identity:
            raise UsageError(say("This conversation is open already."))
        opened = self.store.open(identity, model_id=self._model_id)
        if not self.saves:
            opened.journal.close()
        self._take(opened.session, opened.journal if self.saves else None)
        return opened

    def rename(self, name: str) -> None:
        """Give the conversation a name, by which it is found.

        Raises UsageError for an empty one, a very long one, and that of another conversation.
        """
        wanted = one_line(name)
        if not wanted or shorten(wanted, MAX_NAME_COLUMNS) != wanted:
            raise UsageError(
                say(
                    "A name has one line of up to {columns} columns, and at least a letter.",
                    columns=MAX_NAME_COLUMNS,
                )
            )
        if self.store is not None:
            for row in self.store.rows():
                if row.identity != self.identity and wanted in (row.title, row.identity):
                    raise UsageError(
                        say(
                            "There is another conversation {name!r} ({identity}).",
                            name=wanted,
                            identity=row.identity,
                        ),
                        hint=say("Choose another name."),
                    )
        self.session.rename(wanted)

    def transcript(self) -> Transcript:
        """Return the conversation as an export holds it."""
        header = self._journal.header if self._journal is not None else None
        return Transcript(
            title=self.session.title,
            created=header.created if header is not None else "",
            model_id=header.model_id if header is not None else self._model_id,
            messages=self.session.messages,
        )

    def save(self) -> None:
        """Save what is not saved yet. Never raises; ``news`` tells what went wrong."""
        if self._journal is not None:
            self._journal.save(self.session.events)

    def news(self) -> SavingNews | None:
        """Return once that saving fails, and once that it works again."""
        failure = self._journal.failure if self._journal is not None else None
        if self._journal is None or (failure is not None) == self._failed:
            return None
        self._failed = failure is not None
        return SavingNews(
            self._journal.path, system_reason(failure) if failure is not None else NOTHING
        )

    def _take(self, session: Session, journal: Journal | None) -> Session:
        self.session.on_change = _nothing
        if self._journal is not None:
            self._journal.close()
        self.session, self._journal, self._failed = session, journal, False
        session.on_change = self.save
        return session


def _nothing() -> None:
    pass
