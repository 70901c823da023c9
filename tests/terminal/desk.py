"""A desk whose screen is a text, for tests of what commands do and say."""

import io
from pathlib import Path

from tests.scripted import ScriptedBackend
from xverse_chat.chat.backend import Message
from xverse_chat.chat.keeper import Keeper
from xverse_chat.chat.store import Store
from xverse_chat.chat.turn import Turn
from xverse_chat.terminal.clipboard import Clipboard
from xverse_chat.terminal.commands.command import Desk
from xverse_chat.terminal.commands.dispatch import invoke, report_unknown
from xverse_chat.terminal.commands.parsing import Invocation, Unknown, parse
from xverse_chat.terminal.current_texts import CurrentTexts
from xverse_chat.terminal.plain_renderer import PlainRenderer
from xverse_chat.terminal.translation import Language


class Screen:
    """A desk, and what was shown and copied since it was last looked at."""

    def __init__(
        self,
        language: Language = "en",
        *,
        folder: Path | None = None,
        backend: ScriptedBackend | None = None,
        saves: bool = True,
    ) -> None:
        self._file = io.StringIO()
        self._copied = bytearray()
        texts = CurrentTexts.of(language)
        model = backend or ScriptedBackend()
        store = Store(folder) if folder is not None else None
        self.desk = Desk(
            keeper=Keeper(store, model_id="scripted", saves=saves),
            renderer=PlainRenderer(self._file, texts),
            texts=texts,
            described=model.description,
            loaded=lambda: backend,
            clipboard=Clipboard(self._copied.extend, {}),
        )

    @property
    def text(self) -> str:
        """What was shown since the last look."""
        shown = self._file.getvalue()
        self._file.seek(0)
        self._file.truncate()
        return shown

    @property
    def copied(self) -> bytes:
        """What was sent to the terminal since the last look."""
        sent = bytes(self._copied)
        self._copied.clear()
        return sent

    def converse(self, *contents: str) -> None:
        """Have these said, the question first."""
        for at, content in enumerate(contents):
            self.desk.session.append(Message("assistant" if at % 2 else "user", content))

    def type(self, line: str) -> Turn | None:
        """Run the command that a line is."""
        meant = parse(line)
        if isinstance(meant, Unknown):
            report_unknown(meant, self.desk)
            return None
        assert isinstance(meant, Invocation), meant
        return invoke(meant, self.desk)
