"""Drawing the conversation in colour, on a terminal that can redraw a line."""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TextIO

from rich.cells import cell_len
from rich.console import Console
from rich.segment import Segment
from rich.text import Text

from xverse_chat.chat.backend import Finish, ModelDescription
from xverse_chat.config import DEMO_MODEL_ID
from xverse_chat.errors import XverseChatError
from xverse_chat.progress import Stage
from xverse_chat.terminal.live_area import LiveArea
from xverse_chat.terminal.markdown.breaking import break_line
from xverse_chat.terminal.markdown.styles import Line
from xverse_chat.terminal.sanitise import Sanitiser, sanitise, sanitise_line
from xverse_chat.terminal.statistics import statistics
from xverse_chat.terminal.tally import Snapshot, describe
from xverse_chat.terminal.texts import Texts

if TYPE_CHECKING:
    from xverse_chat.terminal.reply_view import ReplyView

# A model that answers within this time needs no sign that it is at work.
PATIENCE_S = 0.4
BAR_COLUMNS, LEAST_BAR_COLUMNS = 24, 8
LEAST_MEANING_COLUMNS = 20
_INDENT = "  "


class RichRenderer:
    """The conversation on a terminal that can redraw a line."""

    def __init__(self, file: TextIO, texts: Texts) -> None:
        # A size in the environment is that of another time: the terminal is asked, again and again.
        environment = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES")}
        self._console = Console(
            file=file, highlight=False, markup=False, emoji=False, _environ=environment
        )
        self._texts = texts
        self._sanitiser = Sanitiser()
        self._area = LiveArea(self._console)
        self._view: ReplyView | None = None
        self._is_busy = False
        self._then: Callable[[], None] | None = None

    def welcome(self, description: ModelDescription) -> None:
        """Print two calm lines."""
        self.description(description)
        self._print(Text(self._texts.how_to_leave, "dim"))
        self.blank()

    def description(self, description: ModelDescription) -> None:
        """Print the model's line."""
        line = Text(sanitise_line(description.model_id), "bold")
        if description.model_id == DEMO_MODEL_ID:
            line.append(f" ({self._texts.demo_label})", "not bold magenta")
        for part in (description.precision, description.device):
            line.append(f" · {sanitise_line(part)}", "not bold dim")
        self._print(line)

    def loading(self, snapshot: Snapshot) -> None:
        """Redraw one line with a bar."""
        figures = describe(snapshot, self._texts)
        line = Text(f"{self._texts.stage(snapshot.stage or Stage.LOAD)}  ", "dim")
        done, rest = bar(snapshot, self._console.width - line.cell_len - cell_len(figures) - 2)
        after = f"{rest} {figures}" if done + rest else figures.lstrip()
        self._redraw(line.append(done, "not dim cyan").append(after))

    def waiting(self, reason: str, elapsed_s: float) -> None:
        """Redraw an ellipsis and, once that is worth knowing, the seconds."""
        if elapsed_s >= PATIENCE_S or reason:
            seconds = f" {elapsed_s:.0f} s" if elapsed_s >= 2 else ""
            self._redraw(Text(f"{reason}…{seconds}", "dim"))

    def waiting_over(self) -> None:
        """Erase the line and show the cursor again."""
        if not self._area.is_empty:
            self._area.clear()

    def begin_reply(self) -> None:
        """Make ready for the pieces of a reply."""
        # Here and not before: parsing Markdown is not what the first prompt should wait for.
        from xverse_chat.terminal.reply_view import ReplyView

        self._sanitiser.reset()
        self._view = ReplyView(self._area, lambda: self._console.width)

    def piece(self, text: str) -> None:
        """Show it as Markdown: soon, not each piece on its own."""
        shown = self._sanitiser.feed(text)
        if shown and self._view is not None:
            with self._whole():
                self._view.add(shown)

    def refresh(self) -> None:
        """Draw what has come of the reply and was not drawn yet."""
        if self._view is not None:
            with self._whole():
                self._view.refresh()

    def end_reply(self, note: str = "", finish: Finish | None = None) -> None:
        """Print the reply's last block, then one dim line."""
        with self._whole():
            self._end_view()
        parts = [note, statistics(finish, self._texts) if finish is not None else ""]
        if line := "  ".join(part for part in parts if part):
            self._print(Text(line, "dim"))

    def leave(self, then: Callable[[], None]) -> None:
        """Print what is known of the reply, and call ``then``: when the drawing is whole.

        Asked a second time it waits for nothing: the terminal may have stopped.
        """
        if self._is_busy and self._then is None:
            self._then = then
            return
        if not self._is_busy:
            with suppress(OSError, RuntimeError):  # the terminal is gone, or is being written to
                self._end_view()
        then()

    def notice(self, text: str) -> None:
        """Print it dim."""
        self._print(Text(sanitise(text), "dim"))

    def error(self, error: XverseChatError) -> None:
        """Print the message after a red label, the hint below it."""
        self.waiting_over()
        message, hint = self._texts.told(error.message), self._texts.told(error.hint)
        self._print(Text.assemble((self._texts.error_label, "bold red"), sanitise(message)))
        if hint:
            self._print(Text(sanitise(hint)))

    def table(self, heading: str, rows: Iterable[tuple[str, str]]) -> None:
        """Print two aligned columns; meanings go below the names where there is little room."""
        pairs = [(sanitise_line(name), sanitise(meaning)) for name, meaning in rows]
        column = max((cell_len(name) for name, _ in pairs), default=0) + 2 * len(_INDENT)
        is_narrow = self._console.width - column < LEAST_MEANING_COLUMNS
        indent = 2 * len(_INDENT) if is_narrow else column
        if heading:
            self._print(Text(sanitise_line(heading), "bold"))
        for name, meaning in pairs:
            begin = Text.assemble(_INDENT, (name, "cyan"))
            if is_narrow and name:
                self._put(begin)
                begin = Text()
            for line in meaning.split("\n"):
                for part in break_line([Segment(line)], self._console.width - indent):
                    begin.append(" " * (indent - begin.cell_len))
                    self._put(begin.append_text(_text(part)))
                    begin = Text()

    def blank(self) -> None:
        """Leave a line free."""
        self._write("\n")

    def _print(self, text: Text) -> None:
        """Print a text of any length, broken as Chinese is."""
        for line in text.split("\n", allow_blank=True):
            for part in break_line(line.render(self._console), self._console.width):
                self._put(_text(part))

    def _put(self, line: Text) -> None:
        self._console.print(line, no_wrap=True, overflow="ignore", crop=False)

    def _redraw(self, line: Text) -> None:
        line = line.copy()
        line.truncate(max(1, self._console.width - 1), overflow="ellipsis")
        line.end = ""
        with self._whole():
            self._area.draw([list(line.render(self._console))])

    def _end_view(self) -> None:
        if self._view is not None:
            view, self._view = self._view, None
            view.end()
        else:
            self._area.clear()

    @contextmanager
    def _whole(self) -> Iterator[None]:
        """Let nothing that ends the program come in between."""
        self._is_busy = True
        try:
            yield
        finally:
            self._is_busy = False
            if self._then is not None:
                self.leave(self._then)

    def _write(self, text: str) -> None:
        self._console.file.write(text)
        self._console.file.flush()


def _text(line: Line) -> Text:
    return Text.assemble(*((text, style or "") for text, style, _ in line))


def bar(snapshot: Snapshot, room: int) -> tuple[str, str]:
    """Return the done part of a bar and the rest of it; nothing where ``room`` columns are few."""
    columns = min(BAR_COLUMNS, room)
    if snapshot.total_bytes <= 0 or columns < LEAST_BAR_COLUMNS:
        return "", ""
    done = round(snapshot.fraction * columns)
    return "━" * done, "─" * (columns - done)
