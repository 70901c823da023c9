"""Going on with an earlier conversation: which one it is, and how far it came.

Standard library only.
"""

from dataclasses import dataclass

from xverse_chat.chat.keeper import Keeper, SavingNews
from xverse_chat.chat.session import Session
from xverse_chat.chat.store import Opened
from xverse_chat.chat.title import shorten
from xverse_chat.terminal.renderer import Renderer
from xverse_chat.terminal.texts import Texts

# Of the last question and the last answer, as much as reminds of them.
SHOWN_COLUMNS = 160


@dataclass(frozen=True, slots=True)
class Recall:
    """What a program is to begin with; nothing of it for a new conversation.

    ``goes_on`` for the one talked in last, ``name`` for a named one.
    """

    goes_on: bool = False
    name: str | None = None

    @property
    def is_any(self) -> bool:
        """Whether an earlier conversation is wanted."""
        return self.goes_on or self.name is not None


def recall(wanted: Recall, keeper: Keeper) -> Opened | None:
    """Open the conversation that is wanted; None where there is none yet, and it is begun.

    Raises DataError when it
    cannot be read, UsageError for a name that cannot be.
    """
    if keeper.store is None or not wanted.is_any:
        return None
    identity = keeper.store.named(wanted.name) if wanted.name else keeper.store.latest()
    if identity is not None:
        return keeper.open(identity)
    if wanted.name:
        keeper.rename(wanted.name)
    return None


def show_recalled(wanted: Recall, opened: Opened | None, renderer: Renderer, texts: Texts) -> None:
    """Say what ``recall`` found; nothing where nothing was wanted."""
    if opened is not None:
        show_opened(opened, renderer, texts)
    elif wanted.name:
        renderer.notice(texts.new_name.format(name=wanted.name))
    elif wanted.goes_on:
        renderer.notice(texts.none_to_continue)


def show_opened(opened: Opened, renderer: Renderer, texts: Texts) -> None:
    """Say which conversation this is, what is unusual about it, and how it ended."""
    session = opened.session
    renderer.notice(texts.resumed.format(title=session.title, count=len(session.questions)))
    if opened.is_copy:
        renderer.notice(texts.resumed_copy)
    if opened.was_torn:
        renderer.notice(texts.resumed_torn)
    show_end(session, renderer, texts)
    if session.unanswered:
        renderer.notice(texts.unanswered)


def show_end(session: Session, renderer: Renderer, texts: Texts) -> None:
    """Show the last question and the last answer, shortened."""
    labels = {"user": texts.you_label, "assistant": texts.model_label}
    for message in session.messages[-2:]:
        if message.role in labels and message.content.strip():
            shown = shorten(message.content, SHOWN_COLUMNS)
            broken = f" {texts.interrupted}" if message.interrupted else ""
            renderer.notice(f"{labels[message.role]}{shown}{broken}")


def told_news(news: SavingNews, texts: Texts) -> str:
    """Return that saving fails, or works again."""
    if news.reason:
        return texts.saving_failed.format(path=news.path, reason=texts.told(news.reason))
    return texts.saving_works
