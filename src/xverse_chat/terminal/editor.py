"""The line editor of a terminal that can redraw: right for wide characters, kind to pastes.

While the model loads, a bar at the foot of the screen shows how far it is.
"""

import asyncio
import os
import time
from collections.abc import Callable

from prompt_toolkit.application import Application, get_app, run_in_terminal
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.completion import CompleteEvent, Completer
from prompt_toolkit.document import Document
from prompt_toolkit.filters import Condition, is_searching
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent, merge_key_bindings
from prompt_toolkit.keys import Keys

from xverse_chat.chat.clean import clean_text
from xverse_chat.chat.loading import Loading
from xverse_chat.errors import INTERRUPTED_EXIT_CODE, XverseChatError
from xverse_chat.terminal.clusters import cluster_bindings
from xverse_chat.terminal.commands.parsing import SLASHES, as_typed
from xverse_chat.terminal.entry import (
    MAX_MESSAGE_BYTES,
    SECOND_INTERRUPT_WITHIN_S,
    Departure,
    Entry,
    message_bytes,
)
from xverse_chat.terminal.external_editor import edit_text
from xverse_chat.terminal.folds import Folds
from xverse_chat.terminal.foot import Foot
from xverse_chat.terminal.history import InputHistory
from xverse_chat.terminal.history_file import HistoryFile
from xverse_chat.terminal.line_session import LineSession
from xverse_chat.terminal.measures import format_bytes
from xverse_chat.terminal.texts import Texts

REFRESH_S = 0.1
LATE_INTERRUPT_S = 0.05


class LineEditor:
    """Reads messages.

    ``begin`` is called once, when the first line can be typed: what it starts would else slow
    down its coming. ``announce`` is called above the line when the model is loaded, and there is
    something to say of it (``has_news``). Without a ``history`` nothing that is typed outlives the
    program.
    """

    def __init__(
        self,
        texts: Texts,
        loading: Loading,
        foot: Foot,
        *,
        completer: Completer,
        history: HistoryFile | None,
        begin: Callable[[], None],
        has_news: Callable[[], bool],
        announce: Callable[[], None],
    ) -> None:
        self._texts = texts
        self._loading = loading
        self._foot = foot
        self._completer = completer
        self._begin: Callable[[], None] | None = begin
        self._has_news = has_news
        self._announce = announce
        self._is_announced = False
        self._pasted = False
        self._is_draft = False
        self._is_outside = False
        self._interrupted_at = float("-inf")
        self._folds = Folds(texts)
        self._history = InputHistory(history, self._folds)
        self._session = LineSession(
            texts,
            history=self._history,
            completer=completer,
            complete_while_typing=Condition(self._is_command),
            bottom_toolbar=foot.content,
            key_bindings=merge_key_bindings([cluster_bindings(self._folds), self._bindings()]),
        )
        self._session.default_buffer.on_text_changed += self._text_changed

    def read(self, draft: str = "") -> Entry | Departure:
        """Let the user write a message, from ``draft`` on; raise what loading ended with."""
        if self._loading.failure is not None:
            raise self._loading.failure
        self._pasted = False
        self._is_draft = bool(draft)
        self._set_hint("")
        try:
            result = self._session.prompt(
                default=self._folds.fold(draft), pre_run=self._begin_to_watch
            )
        except EOFError:  # the terminal is gone
            return Departure(0)
        self._begin_once()  # a line that was there at once was sent before it was watched
        return result

    def _bindings(self) -> KeyBindings:
        bindings = KeyBindings()
        is_editing = ~is_searching
        bindings.add("enter", filter=is_editing)(self._send)
        for keys in (("escape", "enter"), ("c-j",), ("escape", "c-j")):
            bindings.add(*keys, filter=is_editing)(_break_line)
        bindings.add("tab", filter=is_editing)(self._complete)
        bindings.add(Keys.BracketedPaste, filter=is_editing)(self._paste)
        bindings.add("c-x", "c-e", filter=is_editing)(self._edit_outside)
        bindings.add("c-c", filter=is_editing)(self._interrupt)
        bindings.add("<sigint>", filter=is_editing)(self._interrupt)
        is_empty = Condition(lambda: not get_app().current_buffer.text)
        bindings.add("c-d", filter=is_editing & is_empty)(_end)
        return bindings

    def _send(self, event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        document = buffer.document
        if document.is_cursor_at_the_end and document.char_before_cursor == "\\":
            buffer.delete_before_cursor()
            buffer.newline(copy_margin=False)
            return
        text = clean_text(self._folds.expand(buffer.text))
        if message_bytes(text) > MAX_MESSAGE_BYTES:
            self._set_hint(_too_large(self._texts.too_long, text))
        elif text.strip():
            entry = Entry(text, self._pasted, self._is_draft)
            self._history.append_string(as_typed(entry))
            event.app.exit(result=entry)

    def _complete(self, event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if buffer.complete_state is not None:
            buffer.complete_next()
            return
        if not self._is_command():
            return
        # The menu may be on its way still, while the only candidate is known.
        asked = CompleteEvent(completion_requested=True)
        found = list(self._completer.get_completions(buffer.document, asked))
        if len(found) == 1:
            buffer.apply_completion(found[0])
        elif found:
            buffer.start_completion()

    def _paste(self, event: KeyPressEvent) -> None:
        pasted = clean_text(event.data.replace("\r\n", "\n").replace("\r", "\n"))
        whole = self._folds.expand(event.current_buffer.text) + pasted
        if message_bytes(whole) > MAX_MESSAGE_BYTES:
            self._set_hint(_too_large(self._texts.paste_too_long, whole))
            return
        event.current_buffer.insert_text(self._folds.fold(pasted))
        self._pasted = True

    def _edit_outside(self, event: KeyPressEvent) -> None:
        event.app.create_background_task(self._run_editor(event.current_buffer))

    async def _run_editor(self, buffer: Buffer) -> None:
        before = self._folds.expand(buffer.text)
        self._is_outside = True
        try:
            edited = await run_in_terminal(lambda: self._write_outside(before), in_executor=True)
        except XverseChatError as error:
            told = self._texts.told
            self._set_hint(f"{told(error.message)} {told(error.hint)}".rstrip())
        else:
            if message_bytes(edited) > MAX_MESSAGE_BYTES:
                self._set_hint(_too_large(self._texts.paste_too_long, edited))
            elif edited != before:
                buffer.document = Document(self._folds.fold(edited))
        finally:
            # A Ctrl-C that ended the editor reaches this program's loop behind the editor's end.
            await asyncio.sleep(LATE_INTERRUPT_S)
            self._is_outside = False

    def _write_outside(self, text: str) -> str:
        try:
            return edit_text(text, os.environ)
        finally:  # an editor that was interrupted leaves the cursor where it was
            self._session.app.output.write_raw("\r")

    def _interrupt(self, event: KeyPressEvent) -> None:
        if self._is_outside:  # it was meant for the editor
            return
        now = time.monotonic()
        if not self._loading.is_over:
            event.app.exit(result=Departure(INTERRUPTED_EXIT_CODE))
        elif event.current_buffer.text:
            event.current_buffer.reset()
            self._text_changed(event.current_buffer)
        elif now - self._interrupted_at < SECOND_INTERRUPT_WITHIN_S:
            event.app.exit(result=Departure(INTERRUPTED_EXIT_CODE))
        else:
            self._interrupted_at = now
            self._set_hint(self._texts.interrupt_hint)
            event.app.create_background_task(self._drop_hint_later())

    def _text_changed(self, buffer: Buffer) -> None:
        self._set_hint("")
        if not buffer.text:
            self._pasted = self._is_draft = False

    def _is_command(self) -> bool:
        return self._session.default_buffer.text[:1] in SLASHES and not self._pasted

    async def _drop_hint_later(self) -> None:
        hint = self._foot.hint
        await asyncio.sleep(SECOND_INTERRUPT_WITHIN_S)
        if self._foot.hint == hint:
            self._set_hint("")

    def _set_hint(self, hint: str) -> None:
        self._foot.hint = hint
        self._session.app.invalidate()

    def _begin_to_watch(self) -> None:
        if not self._is_announced:
            app = get_app()
            app.create_background_task(self._watch_loading(app))

    def _begin_once(self) -> None:
        if self._begin is not None:
            begin, self._begin = self._begin, None
            begin()

    async def _watch_loading(self, app: Application[object]) -> None:
        self._begin_once()
        while not self._loading.is_over or self._is_outside:
            app.invalidate()
            await asyncio.sleep(REFRESH_S)
        if app.is_done:
            return
        app.invalidate()  # the status takes the place of the bar
        if self._loading.failure is not None:
            app.exit(exception=self._loading.failure)
        else:
            self._is_announced = True
            if self._has_news():
                await run_in_terminal(self._announce)


def _break_line(event: KeyPressEvent) -> None:
    event.current_buffer.newline(copy_margin=False)


def _end(event: KeyPressEvent) -> None:
    event.app.exit(result=Departure(0))


def _too_large(text: str, message: str) -> str:
    size, limit = message_bytes(message), MAX_MESSAGE_BYTES
    return text.format(size=format_bytes(size), limit=format_bytes(limit))
