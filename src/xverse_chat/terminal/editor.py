"""The line editor of a terminal that can redraw: right for wide characters, kind to pastes.

While the model loads, a bar at the foot of the screen shows how far it is.
"""

import asyncio
import time
from collections.abc import Callable

from prompt_toolkit import PromptSession
from prompt_toolkit.application import Application, get_app, run_in_terminal
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.filters import Condition
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.keys import Keys
from prompt_toolkit.styles import Style
from prompt_toolkit.utils import get_cwidth

from xverse_chat.chat.clean import clean_text
from xverse_chat.chat.loading import Loading
from xverse_chat.progress import Stage
from xverse_chat.terminal.commands import COMMANDS, SLASHES
from xverse_chat.terminal.completion import CommandCompleter
from xverse_chat.terminal.entry import (
    INTERRUPTED_EXIT_CODE,
    MAX_MESSAGE_BYTES,
    SECOND_INTERRUPT_WITHIN_S,
    Departure,
    Entry,
    message_bytes,
)
from xverse_chat.terminal.measures import format_bytes
from xverse_chat.terminal.rich_renderer import bar
from xverse_chat.terminal.tally import ProgressTally, describe
from xverse_chat.terminal.texts import Texts

REFRESH_S = 0.1

_PROMPT: StyleAndTextTuples = [("class:prompt", "> ")]
_CONTINUATION: StyleAndTextTuples = [("", "  ")]
_STYLE = Style.from_dict(
    {
        "prompt": "bold ansicyan",
        "bottom-toolbar": "noreverse",
        "bar-done": "ansicyan",
        "completion-menu": "bg:default",
        "completion-menu.completion": "bg:default fg:default",
        "completion-menu.completion.current": "noreverse bg:default fg:ansicyan bold",
        "completion-menu.meta.completion": "bg:default fg:ansibrightblack",
        "completion-menu.meta.completion.current": "bg:default fg:default",
    }
)


class LineEditor:
    """Reads messages.

    ``begin`` is called once, when the first line can be typed: what it starts would else slow
    down its coming. ``announce`` is called above the line when the model is loaded.
    """

    def __init__(
        self,
        texts: Texts,
        loading: Loading,
        tally: ProgressTally,
        *,
        begin: Callable[[], None],
        announce: Callable[[], None],
    ) -> None:
        self._texts = texts
        self._loading = loading
        self._tally = tally
        self._begin: Callable[[], None] | None = begin
        self._announce = announce
        self._is_announced = False
        self._pasted = False
        self._interrupted_at = float("-inf")
        self._hint = ""
        self._completer = CommandCompleter(texts)
        self._session: PromptSession[str | Departure] = PromptSession(
            _PROMPT,
            multiline=True,
            prompt_continuation=_CONTINUATION,
            style=_STYLE,
            include_default_pygments_style=False,
            history=InMemoryHistory(),
            completer=self._completer,
            complete_while_typing=Condition(self._is_command),
            reserve_space_for_menu=len(COMMANDS) + 1,
            key_bindings=self._bindings(),
        )
        self._session.default_buffer.on_text_changed += self._text_changed

    def read(self, draft: str = "") -> Entry | Departure:
        """Let the user write a message, from ``draft`` on; raise what loading ended with."""
        if self._loading.failure is not None:
            raise self._loading.failure
        self._pasted = False
        self._set_hint("")
        try:
            result = self._session.prompt(default=draft, pre_run=self._begin_to_watch)
        except EOFError:  # the terminal is gone
            return Departure(0)
        self._begin_once()  # a line that was there at once was sent before it was watched
        if isinstance(result, Departure):
            return result
        return Entry(clean_text(result), self._pasted)

    def _bindings(self) -> KeyBindings:
        bindings = KeyBindings()
        bindings.add("enter")(self._send)
        for keys in (("escape", "enter"), ("c-j",), ("escape", "c-j")):
            bindings.add(*keys)(_break_line)
        bindings.add("tab")(self._complete)
        bindings.add(Keys.BracketedPaste)(self._paste)
        bindings.add("c-c")(self._interrupt)
        bindings.add("<sigint>")(self._interrupt)
        bindings.add("c-d", filter=Condition(lambda: not get_app().current_buffer.text))(_end)
        return bindings

    def _send(self, event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        document = buffer.document
        if document.is_cursor_at_the_end and document.char_before_cursor == "\\":
            buffer.delete_before_cursor()
            buffer.newline(copy_margin=False)
        elif message_bytes(buffer.text) > MAX_MESSAGE_BYTES:
            self._set_hint(_too_large(self._texts.too_long, buffer.text))
        elif buffer.text.strip():
            buffer.validate_and_handle()

    def _complete(self, event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if buffer.complete_state is not None:
            buffer.complete_next()
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
        text = event.current_buffer.text + pasted
        if message_bytes(text) > MAX_MESSAGE_BYTES:
            self._set_hint(_too_large(self._texts.paste_too_long, text))
            return
        event.current_buffer.insert_text(pasted)
        self._pasted = True

    def _interrupt(self, event: KeyPressEvent) -> None:
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
            self._pasted = False

    def _is_command(self) -> bool:
        return self._session.default_buffer.text[:1] in SLASHES and not self._pasted

    async def _drop_hint_later(self) -> None:
        hint = self._hint
        await asyncio.sleep(SECOND_INTERRUPT_WITHIN_S)
        if self._hint == hint:
            self._set_hint("")

    def _set_hint(self, hint: str) -> None:
        self._hint = hint
        self._update_foot()

    def _update_foot(self) -> None:
        """Put at the foot of the screen what is worth knowing; nothing, and there is no foot."""
        if self._hint:
            self._session.bottom_toolbar = [("", self._hint)]
        elif not self._loading.is_over:
            self._session.bottom_toolbar = self._loading_bar()
        else:
            self._session.bottom_toolbar = None
        self._session.app.invalidate()

    def _loading_bar(self) -> StyleAndTextTuples:
        snapshot = self._tally.snapshot()
        stage = f"{self._texts.stage(snapshot.stage or Stage.LOAD)}  "
        figures = describe(snapshot, self._texts)
        room = get_app().output.get_size().columns - get_cwidth(stage + figures) - 2
        done, rest = bar(snapshot, room)
        after = f"{rest} {figures}" if done + rest else figures.lstrip()
        return [("", stage), ("class:bar-done", done), ("", after)]

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
        while not self._loading.is_over:
            self._update_foot()
            await asyncio.sleep(REFRESH_S)
        self._update_foot()
        if app.is_done:
            return
        if self._loading.failure is not None:
            app.exit(exception=self._loading.failure)
        else:
            self._is_announced = True
            await run_in_terminal(self._announce)


def _break_line(event: KeyPressEvent) -> None:
    event.current_buffer.newline(copy_margin=False)


def _end(event: KeyPressEvent) -> None:
    event.app.exit(result=Departure(0))


def _too_large(text: str, message: str) -> str:
    size, limit = message_bytes(message), MAX_MESSAGE_BYTES
    return text.format(size=format_bytes(size), limit=format_bytes(limit))
