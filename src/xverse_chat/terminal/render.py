"""Drawing the conversation: in colour on a terminal, or as plain lines without any redraw.

Foreign text passes the sanitiser and is never markup.
"""

import os
import sys
import time
from collections.abc import Iterable, Mapping
from typing import Protocol, TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from xverse_chat.chat.backend import Finish, ModelDescription
from xverse_chat.config import DEMO_MODEL_ID
from xverse_chat.errors import XverseChatError
from xverse_chat.terminal.sanitise import Sanitiser, sanitise, sanitise_line
from xverse_chat.terminal.tally import Snapshot, describe
from xverse_chat.terminal.texts import Texts

# A model that answers within this time needs no sign that it is at work.
PATIENCE_S = 0.4
PLAIN_INTERVAL_S = 10.0
_BAR_COLUMNS = 24


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

    def end_reply(self, note: str = "", finish: Finish | None = None) -> None:
        """End the reply, say how it ended and what it took."""

    def notice(self, text: str) -> None:
        """Say something that is no answer."""

    def error(self, error: XverseChatError) -> None:
        """Say what went wrong and what to do next."""

    def table(self, heading: str, rows: Iterable[tuple[str, str]]) -> None:
        """Show names and what they mean."""

    def blank(self) -> None:
        """Leave a line free."""


def statistics(finish: Finish, texts: Texts) -> str:
    """Return what a reply took, in one line."""
    parts = [texts.statistics_tokens.format(count=finish.usage.completion_tokens)]
    rate = finish.timings.decode_tokens_per_s
    if rate is not None:
        parts.append(
            texts.statistics_rate.format(rate=f"{rate:.0f}" if rate >= 10 else f"{rate:.1f}")
        )
    if finish.usage.completion_tokens:
        parts.append(texts.statistics_first.format(seconds=f"{finish.timings.first_token_s:.2f}"))
    return " · ".join(parts)


class RichRenderer:
    """The conversation on a terminal that can redraw a line."""

    def __init__(self, console: Console, texts: Texts) -> None:
        self._console = console
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
        line = Text(f"{self._texts.stage(snapshot.stage)}  ", "dim")
        if snapshot.total_bytes > 0:
            done, rest = bar(snapshot.fraction)
            line.append(done, "not dim cyan").append(rest).append(" ")
        self._redraw(line.append(describe(snapshot, self._texts)))

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
        self._sanitiser.flush()
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
        self._print(Text.assemble((self._texts.error_label, "bold red"), sanitise(error.message)))
        if error.hint:
            self._print(Text(sanitise(error.hint)))

    def table(self, heading: str, rows: Iterable[tuple[str, str]]) -> None:
        """Print two aligned columns."""
        table = Table.grid(padding=(0, 2), pad_edge=False)
        table.add_column(no_wrap=True, style="cyan")
        table.add_column()
        for name, meaning in rows:
            table.add_row(Text(f"  {name}"), Text(meaning))
        self._print(Text(heading, "bold"))
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


class PlainRenderer:
    """The conversation in whole lines: speakers are named, nothing is redrawn or coloured."""

    def __init__(self, file: TextIO, texts: Texts) -> None:
        self._file = file
        self._texts = texts
        self._sanitiser = Sanitiser()
        self._at_line_start = True
        self._said_at: float | None = None

    def welcome(self, description: ModelDescription) -> None:
        """Write three lines."""
        self.description(description)
        self.notice(self._texts.how_to_leave)
        self.notice(self._texts.loading_type_ahead)

    def description(self, description: ModelDescription) -> None:
        """Write the model's line."""
        label = f" ({self._texts.demo_label})" if description.model_id == DEMO_MODEL_ID else ""
        parts = (description.model_id + label, description.precision, description.device)
        self.notice(" · ".join(map(sanitise_line, parts)))

    def loading(self, snapshot: Snapshot) -> None:
        """Write a line at long intervals."""
        stage, figures = self._texts.stage(snapshot.stage), describe(snapshot, self._texts)
        self._at_intervals(f"{stage} {figures.strip()}".rstrip())

    def waiting(self, reason: str, elapsed_s: float) -> None:
        """Write a line at long intervals, the first one only after one such interval."""
        if reason or elapsed_s >= PLAIN_INTERVAL_S:
            self._at_intervals(f"{reason}… {elapsed_s:.0f} s")

    def waiting_over(self) -> None:
        """Begin to count anew."""
        self._said_at = None

    def begin_reply(self) -> None:
        """Make ready for the pieces of a reply."""
        self._sanitiser.flush()
        self._at_line_start = True

    def piece(self, text: str) -> None:
        """Write it as it comes, after the speaker's name."""
        shown = self._sanitiser.feed(text)
        if shown:
            if self._said_at is not None or self._at_line_start:
                self.waiting_over()
            self._write(shown)
            self._at_line_start = shown.endswith("\n")

    def end_reply(self, note: str = "", finish: Finish | None = None) -> None:
        """Write one line."""
        if not self._at_line_start:
            self._write("\n")
        self._at_line_start = True
        parts = [note, statistics(finish, self._texts) if finish is not None else ""]
        if line := " ".join(part for part in parts if part):
            self.notice(line)

    def notice(self, text: str) -> None:
        """Write it."""
        self._write(f"{sanitise(text)}\n")

    def error(self, error: XverseChatError) -> None:
        """Write message and hint."""
        self.notice(f"{self._texts.error_label}{error.message}")
        if error.hint:
            self.notice(error.hint)

    def table(self, heading: str, rows: Iterable[tuple[str, str]]) -> None:
        """Write one line for each row."""
        self.notice(heading)
        for name, meaning in rows:
            self.notice(f"{name}: {meaning}")

    def blank(self) -> None:
        """Leave no line free: a screen reader would read it out."""

    def _at_intervals(self, line: str) -> None:
        now = time.monotonic()
        if self._said_at is None or now - self._said_at >= PLAIN_INTERVAL_S:
            self._said_at = now
            self.notice(line)

    def _write(self, text: str) -> None:
        self._file.write(text)
        self._file.flush()


def bar(fraction: float, columns: int = _BAR_COLUMNS) -> tuple[str, str]:
    """Return the done part of a bar and the rest of it."""
    done = round(fraction * columns)
    return "━" * done, "─" * (columns - done)


def wants_plain(plain: bool, environment: Mapping[str, str], file: TextIO) -> bool:
    """Tell whether nothing may be redrawn: asked for, no terminal, or one that cannot."""
    return (
        plain
        or bool(environment.get("ACCESSIBLE"))
        or environment.get("TERM", "") in ("dumb", "unknown", "")
        or not file.isatty()
    )


def make_renderer(texts: Texts, *, plain: bool = False, file: TextIO | None = None) -> Renderer:
    """Return the renderer that suits ``file`` (stdout by default) and the environment."""
    file = sys.stdout if file is None else file
    if wants_plain(plain, os.environ, file):
        return PlainRenderer(file, texts)
    return RichRenderer(Console(file=file, highlight=False, markup=False, emoji=False), texts)
