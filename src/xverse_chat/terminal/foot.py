"""What stands at the foot of the screen while a line is edited.

A hint goes before how far the model is loaded, and that before the status.
"""

from collections.abc import Callable

from prompt_toolkit.application import get_app
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.utils import get_cwidth

from xverse_chat.chat.loading import Loading
from xverse_chat.progress import Stage
from xverse_chat.terminal.help_page import wrap
from xverse_chat.terminal.rich_renderer import bar
from xverse_chat.terminal.status_line import Status, status_line
from xverse_chat.terminal.tally import ProgressTally, describe
from xverse_chat.terminal.texts import Texts


class Foot:
    """The line at the foot of the screen, more of them for a hint in a narrow window."""

    def __init__(
        self,
        texts: Texts,
        loading: Loading,
        tally: ProgressTally,
        status: Callable[[], Status],
    ) -> None:
        self._texts = texts
        self._loading = loading
        self._tally = tally
        self._status = status
        self.hint = ""

    def content(self) -> StyleAndTextTuples:
        """Return what to draw now."""
        columns = get_app().output.get_size().columns
        if self.hint:
            return [("", "\n".join(wrap(self.hint, columns)))]
        if not self._loading.is_over:
            return self._loading_bar(columns)
        return [("class:status", status_line(self._status(), columns - 1, self._texts))]

    def _loading_bar(self, columns: int) -> StyleAndTextTuples:
        snapshot = self._tally.snapshot()
        stage = f"{self._texts.stage(snapshot.stage or Stage.LOAD)}  "
        figures = describe(snapshot, self._texts)
        done, rest = bar(snapshot, columns - get_cwidth(stage + figures) - 2)
        after = f"{rest} {figures}" if done + rest else figures.lstrip()
        return [("", stage), ("class:bar-done", done), ("", after)]
