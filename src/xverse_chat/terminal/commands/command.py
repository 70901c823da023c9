"""What a command is, and what it works on."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from xverse_chat.chat.attachment import Attachment
from xverse_chat.chat.backend import Backend, Finish, ModelDescription
from xverse_chat.chat.keeper import Keeper
from xverse_chat.chat.session import Session
from xverse_chat.chat.turn import Turn
from xverse_chat.config import GenerationSettings
from xverse_chat.terminal.clipboard import Clipboard
from xverse_chat.terminal.current_texts import CurrentTexts
from xverse_chat.terminal.meter import ContextGauge
from xverse_chat.terminal.renderer import Renderer
from xverse_chat.terminal.texts import Texts
from xverse_chat.wording import NOTHING, Sentence


@dataclass(slots=True, kw_only=True)
class Desk:
    """What a command works on.

    ``loaded`` returns the model once it is there, ``described`` is what is known of it.
    ``overrides`` are changes to its settings. ``attachments`` go into the next message that stays
    in the conversation; ``draft`` is what the next line begins with, and where it is sent as it
    stands or edited it takes the place of the question numbered ``instead_of``. ``listed`` are
    the conversations that were shown last, in their order. ``has_keys`` where the line editor
    knows more keys than a plain line does; ``exit_code`` is set by the command that ends the
    conversation.
    """

    keeper: Keeper
    renderer: Renderer
    texts: CurrentTexts
    described: ModelDescription
    loaded: Callable[[], Backend | None]
    clipboard: Clipboard
    overrides: dict[str, Any] = field(default_factory=dict)
    shows_statistics: bool = True
    has_keys: bool = True
    exit_code: int | None = None
    attachments: list[Attachment] = field(default_factory=list)
    draft: str = ""
    instead_of: int | None = None
    last: Finish | None = None
    listed: list[str] = field(default_factory=list)
    gauge: ContextGauge = field(default_factory=ContextGauge)

    @property
    def session(self) -> Session:
        """The conversation of the moment; another one after ``/new``."""
        return self.keeper.session

    @property
    def settings(self) -> GenerationSettings:
        """How the next answer is made, as far as that is known before the model is there."""
        backend = self.loaded()
        defaults = backend.default_settings if backend is not None else GenerationSettings()
        return defaults.overridden(self.overrides)

    def tell(self, sentence: Sentence) -> None:
        """Say something in the user's language."""
        self.renderer.notice(self.texts.told(sentence))


@dataclass(frozen=True, slots=True)
class Candidate:
    """What the argument of a command can be, and what that would mean."""

    text: str
    meaning: str = ""


def no_candidates(desk: Desk, typed: str) -> Iterable[Candidate]:
    """Return what can follow a command whose argument nobody can guess."""
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One row of the table.

    ``run`` gets what follows the name, and may return a turn that is to be answered.
    ``candidates`` are whole arguments that begin with what is typed. ``words`` are whole lines
    that mean the same without a slash. ``edits_session`` where a reply that is still stopping has
    to be waited for.
    """

    name: str
    run: Callable[[Desk, str], Turn | None]
    help: Sentence
    argument: Sentence = NOTHING
    candidates: Callable[[Desk, str], Iterable[Candidate]] = no_candidates
    aliases: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    edits_session: bool = False

    def usage(self, texts: Texts) -> str:
        """How it is typed, in the language of the texts."""
        return f"{self.name} {texts.told(self.argument)}".rstrip()
