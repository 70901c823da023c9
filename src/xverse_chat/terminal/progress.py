"""Drawing what long work does: bars on a terminal, plain lines elsewhere."""

import os
import sys
import threading
import time
from types import TracebackType
from typing import Self, TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from xverse_chat.progress import Stage
from xverse_chat.terminal.measures import format_bytes
from xverse_chat.terminal.sanitise import sanitise_line
from xverse_chat.terminal.tally import (
    STAGES_OF_FILES,
    Item,
    ProgressTally,
    describe,
    describe_done,
)
from xverse_chat.terminal.terminal_state import wants_plain, wants_screen_reader
from xverse_chat.terminal.texts import Texts
from xverse_chat.wording import Sentence

PLAIN_INTERVAL_S = 10.0
# Below this a file's name needs the columns more than its sizes do.
WIDTH_FOR_SIZES = 60


class RichProgress:
    """Bars on a terminal: one for the stage, one for each file under way; ``with`` draws them."""

    def __init__(self, console: Console, texts: Texts) -> None:
        self._console = console
        self._texts = texts
        self._tally = ProgressTally()
        self._live = Live(
            console=console,
            get_renderable=self._render,
            refresh_per_second=8,
            transient=True,
            vertical_overflow="crop",
            redirect_stdout=False,
        )

    def __enter__(self) -> Self:
        self._live.start()
        # Rich hides the cursor; a process that is killed could not show it again.
        self._console.show_cursor(True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if error is None:
            self._end_stage()
        self.close()

    def close(self) -> None:
        """Leave the terminal as it was; the last bars stay."""
        self._live.stop()

    def begin(self, stage: Stage, total_bytes: int) -> None:
        """Enter a stage."""
        self._end_stage()
        self._tally.begin(stage, total_bytes)

    def start(self, name: str, total_bytes: int) -> None:
        """Begin one item."""
        self._tally.start(name, total_bytes)

    def advance(self, name: str, size_bytes: int) -> None:
        """Count bytes done of an item."""
        self._tally.advance(name, size_bytes)

    def finish(self, name: str) -> None:
        """End one item; its bar goes."""
        self._tally.finish(name)

    def note(self, text: Sentence) -> None:
        """Print one sentence above the bars."""
        self._console.print(Text(sanitise_line(self._texts.told(text))))

    def _end_stage(self) -> None:
        snapshot = self._tally.snapshot()
        if snapshot.stage in STAGES_OF_FILES and snapshot.total_bytes > 0:
            self._console.print(
                Text.assemble(("✓ ", "green"), describe_done(snapshot, self._texts))
            )

    def _render(self) -> RenderableType:
        snapshot = self._tally.snapshot()
        heading = Text.assemble((self._texts.stage(snapshot.stage), "bold"), "  ")
        heading.append(describe(snapshot, self._texts).lstrip(), "dim")
        heading.truncate(max(1, self._console.width - 1), overflow="ellipsis")
        if snapshot.total_bytes <= 0:
            return heading
        bar = ProgressBar(
            total=1.0, completed=snapshot.fraction, complete_style="cyan", finished_style="cyan"
        )
        line = Table.grid(expand=True)  # a bar alone does not end its line
        line.add_row(bar)
        parts: list[RenderableType] = [heading, line]
        if snapshot.stage in STAGES_OF_FILES and snapshot.items:
            parts.append(self._files(snapshot.items))
        return Group(*parts)

    def _files(self, items: tuple[Item, ...]) -> Table:
        has_room = self._console.width >= WIDTH_FOR_SIZES
        table = Table.grid(padding=(0, 1), expand=True)
        table.add_column(ratio=2, no_wrap=True, overflow="ellipsis")
        table.add_column(ratio=1)
        table.add_column(justify="right", no_wrap=True, width=4)
        if has_room:
            table.add_column(justify="right", no_wrap=True, width=19, style="dim")
        for item in items[: max(1, self._console.height - 6)]:
            fraction = min(1.0, item.done_bytes / item.total_bytes) if item.total_bytes else 1.0
            bar = ProgressBar(total=1.0, completed=fraction, complete_style="blue")
            done, total = format_bytes(item.done_bytes), format_bytes(item.total_bytes)
            sizes = self._texts.done_of_total.format(done=done, total=total)
            table.add_row(Text(item.name), bar, f"{fraction:.0%}", *([sizes] if has_room else []))
        return table


class PlainProgress:
    """Whole lines at intervals, for a log file or a screen reader."""

    def __init__(self, file: TextIO, texts: Texts, *, interval_s: float = PLAIN_INTERVAL_S) -> None:
        self._file = file
        self._texts = texts
        self._interval_s = interval_s
        self._tally = ProgressTally()
        self._lock = threading.Lock()
        self._said_at = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if error is None:
            self._end_stage()

    def close(self) -> None:
        """Do nothing: what was said is said."""

    def begin(self, stage: Stage, total_bytes: int) -> None:
        """Enter a stage and say so."""
        self._end_stage()
        self._tally.begin(stage, total_bytes)
        size = f" ({format_bytes(total_bytes)})" if total_bytes > 0 else ""
        self._say(f"{self._texts.stage(stage)}{size}")

    def start(self, name: str, total_bytes: int) -> None:
        """Begin one item."""
        self._tally.start(name, total_bytes)

    def advance(self, name: str, size_bytes: int) -> None:
        """Count bytes, and say so when it is time."""
        self._tally.advance(name, size_bytes)
        if time.monotonic() - self._said_at >= self._interval_s:
            snapshot = self._tally.snapshot()
            stage = self._texts.stage(snapshot.stage)
            self._say(f"{stage} {describe(snapshot, self._texts).lstrip()}")

    def finish(self, name: str) -> None:
        """End one item, and name it if it is a file that came to its end."""
        item = self._tally.item(name)
        self._tally.finish(name)
        is_whole = item is not None and item.done_bytes >= item.total_bytes
        if item is not None and is_whole and self._tally.snapshot().stage in STAGES_OF_FILES:
            size = format_bytes(item.done_bytes)
            self._say(self._texts.item_done.format(name=item.name, size=size))

    def note(self, text: Sentence) -> None:
        """Say one sentence."""
        self._say(sanitise_line(self._texts.told(text)))

    def _end_stage(self) -> None:
        snapshot = self._tally.snapshot()
        if snapshot.stage is not None and snapshot.total_bytes > 0:
            self._say(describe_done(snapshot, self._texts))

    def _say(self, line: str) -> None:
        with self._lock:
            self._said_at = time.monotonic()
            self._file.write(line + "\n")
            self._file.flush()


def open_progress(
    texts: Texts, *, file: TextIO | None = None, plain: bool = False
) -> RichProgress | PlainProgress:
    """Return bars where ``file`` (stderr by default) is a terminal that can redraw, else lines."""
    file = sys.stderr if file is None else file
    plain = plain or wants_screen_reader(None, os.environ)
    if wants_plain(plain, os.environ, file):
        return PlainProgress(file, texts)
    return RichProgress(Console(file=file), texts)
