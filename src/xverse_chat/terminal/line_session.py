"""How the line that is edited looks: its prompt, its colours, its menu, its few words."""

from typing import Any

from prompt_toolkit import PromptSession
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.input.posix_utils import PosixStdinReader
from prompt_toolkit.input.vt100 import Vt100Input
from prompt_toolkit.layout.controls import SearchBufferControl
from prompt_toolkit.layout.processors import BeforeInput
from prompt_toolkit.styles import Style

from xverse_chat.terminal.clusters import PlainEmoji
from xverse_chat.terminal.entry import Departure, Entry
from xverse_chat.terminal.texts import Texts

MENU_ROWS = 8
_TERMINAL_READ_BYTES = 4096

_PROMPT: StyleAndTextTuples = [("class:prompt", "> ")]
_CONTINUATION: StyleAndTextTuples = [("", "  ")]
_STYLE = Style.from_dict(
    {
        "prompt": "bold ansicyan",
        "bottom-toolbar": "noreverse",
        "bar-done": "ansicyan",
        "status": "ansibrightblack",
        "search-toolbar": "noreverse",
        "completion-menu": "bg:default",
        "completion-menu.completion": "bg:default fg:default",
        "completion-menu.completion.current": "noreverse bg:default fg:ansicyan bold",
        "completion-menu.meta.completion": "bg:default fg:ansibrightblack",
        "completion-menu.meta.completion.current": "bg:default fg:default",
        "scrollbar.background": "bg:default",
        "scrollbar.button": "bg:ansibrightblack",
    }
)


class LineSession(PromptSession[Entry | Departure]):
    """A prompt of several lines that looks calm and speaks the user's language."""

    def __init__(self, texts: Texts, **options: Any) -> None:
        self._texts = texts
        super().__init__(
            _PROMPT,
            multiline=True,
            prompt_continuation=_CONTINUATION,
            style=_STYLE,
            include_default_pygments_style=False,
            complete_in_thread=True,  # it may look into folders of any size
            reserve_space_for_menu=MENU_ROWS,
            search_ignore_case=True,
            input_processors=[PlainEmoji()],
            **options,
        )
        if isinstance(self.app.input, Vt100Input):
            self.app.input.stdin_reader = _Reader(self.app.input.fileno())
        for control in self.layout.find_all_controls():
            if isinstance(control, SearchBufferControl):
                control.input_processors = [BeforeInput(lambda: texts.search_label)]

    def _get_arg_text(self) -> StyleAndTextTuples:
        return [("", self._texts.repeat_label), ("", str(self.app.key_processor.arg or ""))]


class _Reader(PosixStdinReader):
    """Reads as much as a terminal hands over at once: a paste is searched for its end each time."""

    def read(self, count: int = _TERMINAL_READ_BYTES) -> str:
        return super().read(count)
