"""What a conversation shows, however it is shown. Standard library only.

Whoever shows it has foreign text pass the sanitiser and never reads markup in it.
"""

from collections.abc import Callable, Iterable
from typing import Protocol

from xverse_chat.chat.backend import Finish, ModelDescription
from xverse_chat.errors import XverseChatError
from xverse_chat.terminal.tally import Snapshot


class Renderer(Protocol):
    """What a conversation shows. Called from the main thread only, never while a line is edited."""

    def welcome(self, description: ModelDescription) -> None:
        """Say what answers and how to leave."""

    def description(self, description: ModelDescription) -> None:
        """Say what answers."""

    def loading(self, snapshot: Snapshot) -> None:
        """Show, again and again, how far the model is that a message waits for."""

    def waiting(self, reason: str, elapsed_s: float) -> None:
        """Show, again and again, that something lasts; ``reason`` is empty for the model."""

    def waiting_over(self) -> None:
        """Remove what ``loading`` or ``waiting`` showed."""

    def begin_reply(self) -> None:
        """Make ready for the pieces of a reply."""

    def piece(self, text: str) -> None:
        """Show a piece of the reply as it comes."""

    def refresh(self) -> None:
        """Show what has come of the reply and is not shown yet. Called again and again."""

    def end_reply(self, note: str = "", finish: Finish | None = None) -> None:
        """End the reply, say how it ended and what it took."""

    def leave(self, then: Callable[[], None]) -> None:
        """Show what has come of the reply, then call ``then``, which ends the program.

        For signal handlers: it may strike while something is being shown.
        """

    def notice(self, text: str) -> None:
        """Say something that is no answer."""

    def error(self, error: XverseChatError) -> None:
        """Say what went wrong and what to do next."""

    def table(self, heading: str, rows: Iterable[tuple[str, str]]) -> None:
        """Show names and what they mean, under a heading where there is one."""

    def blank(self) -> None:
        """Leave a line free."""
