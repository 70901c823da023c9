"""The line editor for screen readers and terminals that cannot redraw: nothing but plain lines."""

import os
import select
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from xverse_chat.chat.clean import clean_text
from xverse_chat.chat.loading import Loading
from xverse_chat.errors import INTERRUPTED_EXIT_CODE
from xverse_chat.terminal.commands.parsing import as_typed
from xverse_chat.terminal.entry import (
    MAX_MESSAGE_BYTES,
    SECOND_INTERRUPT_WITHIN_S,
    Departure,
    Entry,
    message_bytes,
)
from xverse_chat.terminal.history_file import HistoryFile
from xverse_chat.terminal.interruptible import interruptible
from xverse_chat.terminal.measures import format_bytes
from xverse_chat.terminal.terminal_state import TerminalState
from xverse_chat.terminal.texts import Texts

# Lines that follow within this time were pasted: nobody types that fast.
PASTE_GAP_S = 0.03
_CONTINUATION = "  "


class PlainEditor:
    """Reads messages line by line, edited by readline where Python has it."""

    def __init__(
        self,
        texts: Texts,
        loading: Loading,
        terminal: TerminalState,
        say: Callable[[str], None],
        *,
        history: HistoryFile | None,
    ) -> None:
        self._texts = texts
        self._loading = loading
        self._terminal = terminal
        self._say = say
        self._interrupted_at = float("-inf")
        self._history = history
        self._readline = _start_readline(history.read() if history is not None else [])

    def read(self, draft: str = "") -> Entry | Departure:
        """Let the user write a message, from ``draft`` on; raise what loading ended with."""
        while True:
            if self._loading.failure is not None:
                raise self._loading.failure
            try:
                entry = self._read_entry(draft)
            except EOFError:
                self._say("")
                return Departure(0)
            except KeyboardInterrupt:
                draft = ""
                if (departure := self._interrupt()) is not None:
                    return departure
                continue
            size = message_bytes(entry.text)
            if size > MAX_MESSAGE_BYTES:
                limit = format_bytes(MAX_MESSAGE_BYTES)
                self._say(self._texts.too_long.format(size=format_bytes(size), limit=limit))
            elif entry.text.strip():
                if self._history is not None:
                    self._history.add(as_typed(entry))
                return entry

    def _read_entry(self, draft: str) -> Entry:
        with interruptible(), self._terminal.echoing():
            with self._beginning_with(draft):
                lines = [input(self._texts.you_label)]
            pasted = False
            while lines[-1].endswith("\\") or _more_is_there():
                if lines[-1].endswith("\\"):
                    lines[-1] = lines[-1][:-1]
                else:
                    pasted = True
                lines.append(input(_CONTINUATION))
        return Entry(clean_text("\n".join(lines)), pasted, bool(draft))

    @contextmanager
    def _beginning_with(self, draft: str) -> Iterator[None]:
        """Have ``input`` begin with a text in its line, where Python has readline."""
        if self._readline is None or not draft:
            yield
            return
        self._readline.set_startup_hook(lambda: self._readline.insert_text(draft))
        try:
            yield
        finally:
            self._readline.set_startup_hook()

    def _interrupt(self) -> Departure | None:
        self._say("")
        now = time.monotonic()
        is_second = now - self._interrupted_at < SECOND_INTERRUPT_WITHIN_S
        if is_second or not self._loading.is_over:
            return Departure(INTERRUPTED_EXIT_CODE)
        self._interrupted_at = now
        self._say(self._texts.interrupt_hint)
        return None


def _more_is_there() -> bool:
    return bool(select.select([sys.stdin], [], [], PASTE_GAP_S)[0])


def _start_readline(history: list[str]) -> Any:
    """Have ``input`` edit with readline, on a terminal that it takes for one without escapes.

    Returns the module, None where Python has none. A message of several lines is no line that
    could be edited again.
    """
    before = os.environ.get("TERM")
    os.environ["TERM"] = "dumb"
    try:
        import readline
    except ImportError:
        return None
    else:
        readline.parse_and_bind("set enable-bracketed-paste off")
        readline.parse_and_bind("set bell-style none")
        for text in history:
            if "\n" not in text:
                readline.add_history(text)
        return readline
    finally:
        if before is None:
            del os.environ["TERM"]
        else:
            os.environ["TERM"] = before
