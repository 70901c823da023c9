"""Counting what long work reports, and estimating how long it will still take.

Standard library only.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

from xverse_chat.progress import Stage
from xverse_chat.terminal.measures import format_bytes, format_duration
from xverse_chat.terminal.sanitise import sanitise_line
from xverse_chat.terminal.texts import Texts
from xverse_chat.wording import NOTHING, Sentence

RATE_WINDOW_S = 15.0
SAMPLE_INTERVAL_S = 0.25
# What a download counts within this time of a file's start was there before it: resumed bytes.
RESUMED_WITHIN_S = 0.05

# Stages whose items are files that a user knows by name; the others count layers.
STAGES_OF_FILES = (Stage.DOWNLOAD, Stage.VERIFY, Stage.CONVERT)


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
    note: Sentence = NOTHING

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

    def finish(self, name: str) -> None:
        """End one item."""
        with self._lock:
            self._items.pop(name, None)

    def item(self, name: str) -> Item | None:
        """Return an item that is under way."""
        with self._lock:
            return self._items.get(name)

    def note(self, text: Sentence) -> None:
        """Keep one sentence."""
        with self._lock:
            self._snapshot = replace(self._snapshot, note=text)

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
    note = sanitise_line(texts.told(snapshot.note))
    if snapshot.total_bytes <= 0:
        return note
    parts = [f"{snapshot.fraction:4.0%}"]
    done, total = format_bytes(snapshot.done_bytes), format_bytes(snapshot.total_bytes)
    parts.append(texts.done_of_total.format(done=done, total=total))
    if snapshot.bytes_per_s and snapshot.stage is Stage.DOWNLOAD:
        parts.append(texts.per_second.format(size=format_bytes(snapshot.bytes_per_s)))
    if snapshot.seconds_left is not None:
        parts.append(texts.time_left.format(duration=format_duration(snapshot.seconds_left)))
    return " · ".join(parts) + (f" · {note}" if note else "")


def describe_done(snapshot: Snapshot, texts: Texts) -> str:
    """Return what a stage did and how long it took, in words; nothing before the first stage."""
    if snapshot.stage is None:
        return ""
    return texts.took.format(
        done=texts.done(snapshot.stage),
        size=format_bytes(snapshot.done_bytes),
        duration=format_duration(snapshot.elapsed_s),
    )
