"""Showing what long work does: bars on a terminal, plain lines elsewhere.

``ProgressTally`` counts and estimates, the other classes draw what it counted.
"""

import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self, TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from xverse_chat.progress import Stage
from xverse_chat.terminal.measures import format_bytes, format_duration
from xverse_chat.terminal.sanitise import sanitise_line
from xverse_chat.terminal.texts import Texts

RATE_WINDOW_S = 15.0
SAMPLE_INTERVAL_S = 0.25
# What a download counts within this time of a file's start was there before it: resumed bytes.
RESUMED_WITHIN_S = 0.05
PLAIN_INTERVAL_S = 10.0

# Stages whose items are files that a user knows by name; the others count layers.
_STAGES_OF_FILES = (Stage.DOWNLOAD, Stage.VERIFY, Stage.CONVERT)


@dataclass(frozen=True, slots=True)
class Item:
    """One file or layer under way."""

    name: str
    total_bytes: int
    done_bytes: int = 0
    started_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Where the work is; ``stage`` is None before the first. Rates are None until known."""

    stage: Stage | None = None
    total_bytes: int = 0
    done_bytes: int = 0
    bytes_per_s: float | None = None
    elapsed_s: float = 0.0
    items: tuple[Item, ...] = ()
    note: str = ""

    @property
    def fraction(self) -> float:
        """The part done, from 0 to 1."""
        if self.total_bytes <= 0:
            return 0.0
        return min(1.0, max(0.0, self.done_bytes / self.total_bytes))

    @property
    def seconds_left(self) -> float | None:
        """The time left at the rate of the last seconds."""
        if not self.bytes_per_s:
            return None
        return max(0.0, (self.total_bytes - self.done_bytes) / self.bytes_per_s)


class ProgressTally:
    """Counts what is reported and estimates the time left. Every call may come from any thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._snapshot = Snapshot()
        self._items: dict[str, Item] = {}
        self._began_at = clock()
        self._samples: deque[tuple[float, int]] = deque()

    def begin(self, stage: Stage, total_bytes: int) -> None:
        """Enter a stage."""
        with self._lock:
            self._snapshot = Snapshot(stage=stage, total_bytes=total_bytes)
            self._items.clear()
            self._began_at = self._clock()
            self._samples = deque([(self._began_at, 0)])

    def start(self, name: str, total_bytes: int) -> None:
        """Begin one item."""
        with self._lock:
            self._items[name] = Item(sanitise_line(name), total_bytes, started_at=self._clock())

    def advance(self, name: str, size_bytes: int) -> None:
        """Count bytes done of an item."""
        with self._lock:
            now = self._clock()
            done_bytes = self._snapshot.done_bytes + size_bytes
            self._snapshot = replace(self._snapshot, done_bytes=done_bytes)
            item = self._items.get(name)
            if item is not None:
                self._items[name] = replace(item, done_bytes=item.done_bytes + size_bytes)
                if self._was_there_before(item, now):
                    self._samples = deque((at, done + size_bytes) for at, done in self._samples)
            self._sample(now, done_bytes)

    def finish(self, name: str) -> Item | None:
        """End one item and return it."""
        with self._lock:
            return self._items.pop(name, None)

    def note(self, text: str) -> None:
        """Keep one sentence."""
        with self._lock:
            self._snapshot = replace(self._snapshot, note=sanitise_line(text))

    def snapshot(self) -> Snapshot:
        """Return where the work is now."""
        with self._lock:
            now = self._clock()
            return replace(
                self._snapshot,
                bytes_per_s=self._rate(now),
                elapsed_s=now - self._began_at,
                items=tuple(self._items.values()),
            )

    def _was_there_before(self, item: Item, now: float) -> bool:
        return (
            self._snapshot.stage is Stage.DOWNLOAD
            and item.done_bytes == 0
            and now - item.started_at < RESUMED_WITHIN_S
        )

    def _sample(self, now: float, done_bytes: int) -> None:
        if not self._samples or now - self._samples[-1][0] >= SAMPLE_INTERVAL_S:
            self._samples.append((now, done_bytes))
        while len(self._samples) > 2 and now - self._samples[0][0] > RATE_WINDOW_S:
            self._samples.popleft()

    def _rate(self, now: float) -> float | None:
        if not self._samples:
            return None
        at, done_bytes = self._samples[0]
        gained = self._snapshot.done_bytes - done_bytes
        # Up to now and not to the last sample, so that a stalled transfer is seen to slow down.
        return gained / (now - at) if now - at >= 1.0 and gained > 0 else None


def describe(snapshot: Snapshot, texts: Texts) -> str:
    """Return figures in words: percent, done of total, speed of a transfer, time left."""
    if snapshot.total_bytes <= 0:
        return snapshot.note
    parts = [f"{snapshot.fraction:4.0%}"]
    done, total = format_bytes(snapshot.done_bytes), format_bytes(snapshot.total_bytes)
    parts.append(texts.done_of_total.format(done=done, total=total))
    if snapshot.bytes_per_s and snapshot.stage is Stage.DOWNLOAD:
        parts.append(texts.per_second.format(size=format_bytes(snapshot.bytes_per_s)))
    if snapshot.seconds_left is not None:
        parts.append(texts.time_left.format(duration=format_duration(snapshot.seconds_left)))
    return " · ".join(parts) + (f" · {snapshot.note}" if snapshot.note else "")


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
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if error is None:
            self._end_stage()
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

    def note(self, text: str) -> None:
        """Print one sentence above the bars."""
        self._console.print(Text(sanitise_line(text)))

    def _end_stage(self) -> None:
        snapshot = self._tally.snapshot()
        if snapshot.stage in _STAGES_OF_FILES and snapshot.total_bytes > 0:
            self._console.print(Text.assemble(("✓ ", "green"), _stage_done(snapshot, self._texts)))

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
        parts: list[RenderableType] = [heading, bar]
        if snapshot.stage in _STAGES_OF_FILES and snapshot.items:
            parts.append(self._files(snapshot.items))
        return Group(*parts)

    def _files(self, items: tuple[Item, ...]) -> Table:
        table = Table.grid(padding=(0, 1), expand=True)
        table.add_column(ratio=2, no_wrap=True, overflow="ellipsis")
        table.add_column(ratio=1)
        table.add_column(justify="right", no_wrap=True, width=4)
        table.add_column(justify="right", no_wrap=True, width=19, style="dim")
        for item in items[: max(1, self._console.height - 6)]:
            fraction = min(1.0, item.done_bytes / item.total_bytes) if item.total_bytes else 1.0
            table.add_row(
                Text(item.name),
                ProgressBar(total=1.0, completed=fraction, complete_style="blue"),
                f"{fraction:.0%}",
                self._texts.done_of_total.format(
                    done=format_bytes(item.done_bytes), total=format_bytes(item.total_bytes)
                ),
            )
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
        """End one item, and name it if it is a file."""
        item = self._tally.finish(name)
        if item is not None and self._tally.snapshot().stage in _STAGES_OF_FILES:
            size = format_bytes(item.done_bytes)
            self._say(self._texts.item_done.format(name=item.name, size=size))

    def note(self, text: str) -> None:
        """Say one sentence."""
        self._say(sanitise_line(text))

    def _end_stage(self) -> None:
        snapshot = self._tally.snapshot()
        if snapshot.stage is not None and snapshot.total_bytes > 0:
            self._say(_stage_done(snapshot, self._texts))

    def _say(self, line: str) -> None:
        with self._lock:
            self._said_at = time.monotonic()
            self._file.write(line + "\n")
            self._file.flush()


def _stage_done(snapshot: Snapshot, texts: Texts) -> str:
    return texts.stage_done.format(
        stage=texts.stage(snapshot.stage),
        size=format_bytes(snapshot.done_bytes),
        duration=format_duration(snapshot.elapsed_s),
    )


def open_progress(
    texts: Texts, *, file: TextIO | None = None, plain: bool = False
) -> RichProgress | PlainProgress:
    """Return bars where ``file`` (stderr by default) is a terminal that can redraw, else lines."""
    file = sys.stderr if file is None else file
    console = Console(file=file)
    if plain or not console.is_terminal or console.is_dumb_terminal:
        return PlainProgress(file, texts)
    return RichProgress(console, texts)
