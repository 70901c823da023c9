"""Drawing the conversation in colour, on a terminal that can redraw a line."""

from collections.abc import Iterable
from typing import TextIO

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from xverse_chat.chat.backend import Finish, ModelDescription
from xverse_chat.config import DEMO_MODEL_ID
from xverse_chat.errors import XverseChatError
from xverse_chat.progress import Stage
from xverse_chat.terminal.sanitise import Sanitiser, sanitise, sanitise_line
from xverse_chat.terminal.statistics import statistics
from xverse_chat.terminal.tally import Snapshot, describe
from xverse_chat.terminal.texts import Texts

# A model that answers within this time needs no sign that it is at work.
PATIENCE_S = 0.4
BAR_COLUMNS, LEAST_BAR_COLUMNS = 24, 8


class RichRenderer:
    """The conversation on a terminal that can redraw a line."""

    def __init__(self, file: TextIO, texts: Texts) -> None:
        self._console = Console(file=file, highlight=False, markup=False, emoji=False)
        self._texts = texts
        self._sanitiser = Sanitiser()
        self._at_line_start = True
        self._transient = ""

    def welcome(self, description: ModelDescription) -> None:
        """Print two calm lines."""
        self.description(description)
        self._print(Text(self._texts.how_to_leave, "dim"))
        self.blank()

    def description(self, description: ModelDescription) -> None:
        """Print the model's line."""
        line = Text(sanitise_line(description.model_id), "bold")
        if description.model_id == DEMO_MODEL_ID:
            line.append(f" ({self._texts.demo_label})", "not bold yellow")
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
        if self._transient:
            self._write("\r\x1b[K\x1b[?25h")
            self._transient = ""

    def begin_reply(self) -> None:
        """Make ready for the pieces of a reply."""
        self._sanitiser.reset()
        self._at_line_start = True

    def piece(self, text: str) -> None:
        """Write it as it comes; the terminal wraps."""
        shown = self._sanitiser.feed(text)
        if shown:
            self.waiting_over()
            self._at_line_start = shown.endswith("\n")
            self._write(shown)

    def end_reply(self, note: str = "", finish: Finish | None = None) -> None:
        """Print one dim line."""
        self.waiting_over()
        if not self._at_line_start:
            self._write("\n")
        self._at_line_start = True
        parts = [note, statistics(finish, self._texts) if finish is not None else ""]
        if line := "  ".join(part for part in parts if part):
            self._print(Text(line, "dim"))

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
        """Print two aligned columns."""
        table = Table.grid(padding=(0, 2), pad_edge=False)
        table.add_column(no_wrap=True, style="cyan")
        table.add_column()
        for name, meaning in rows:
            table.add_row(Text(f"  {sanitise_line(name)}"), Text(sanitise(meaning)))
        if heading:
            self._print(Text(sanitise_line(heading), "bold"))
        self._console.print(table)

    def blank(self) -> None:
        """Leave a line free."""
        self._write("\n")

    def _print(self, text: Text) -> None:
        self._console.print(text, overflow="fold")

    def _redraw(self, line: Text) -> None:
        line = line.copy()
        line.truncate(max(1, self._console.width - 1), overflow="ellipsis")
        with self._console.capture() as capture:
            self._console.print(line, end="")
        drawn = capture.get()
        if drawn != self._transient:
            self._transient = drawn
            self._write(f"\x1b[?25l\r{drawn}\x1b[K")

    def _write(self, text: str) -> None:
        self._console.file.write(text)
        self._console.file.flush()


def bar(snapshot: Snapshot, room: int) -> tuple[str, str]:
    """Return the done part of a bar and the rest of it; nothing where ``room`` columns are few."""
    columns = min(BAR_COLUMNS, room)
    if snapshot.total_bytes <= 0 or columns < LEAST_BAR_COLUMNS:
        return "", ""
    done = round(snapshot.fraction * columns)
    return "━" * done, "─" * (columns - done)
