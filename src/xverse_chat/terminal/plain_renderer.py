"""Writing the conversation in whole lines, for screen readers, pipes and simple terminals."""

import time
from collections.abc import Callable, Iterable
from typing import TextIO

from xverse_chat.chat.backend import Finish, ModelDescription
from xverse_chat.config import DEMO_MODEL_ID
from xverse_chat.errors import XverseChatError
from xverse_chat.progress import Stage
from xverse_chat.terminal.sanitise import Sanitiser, sanitise, sanitise_line
from xverse_chat.terminal.statistics import statistics
from xverse_chat.terminal.tally import Snapshot, describe
from xverse_chat.terminal.texts import Texts

INTERVAL_S = 10.0


class PlainRenderer:
    """The conversation in whole lines: speakers are named, nothing is redrawn or coloured."""

    def __init__(self, file: TextIO, texts: Texts) -> None:
        self._file = file
        self._texts = texts
        self._sanitiser = Sanitiser()
        self._is_said = False
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
        stage, figures = (
            self._texts.stage(snapshot.stage or Stage.LOAD),
            describe(snapshot, self._texts),
        )
        self._at_intervals(f"{stage} {figures.strip()}".rstrip())

    def waiting(self, reason: str, elapsed_s: float) -> None:
        """Write a line at long intervals, the first one only after one such interval."""
        if reason or elapsed_s >= INTERVAL_S:
            self._at_intervals(f"{reason}… {elapsed_s:.0f} s")

    def waiting_over(self) -> None:
        """Begin to count anew."""
        self._said_at = None

    def begin_reply(self) -> None:
        """Make ready for the pieces of a reply."""
        self._sanitiser.reset()
        self._is_said = False
        self._at_line_start = True

    def piece(self, text: str) -> None:
        """Write it as it comes, after the speaker's name."""
        shown = self._sanitiser.feed(text)
        if shown:
            self.waiting_over()
            self._write(shown if self._is_said else f"{self._texts.model_label}{shown}")
            self._is_said = True
            self._at_line_start = shown.endswith("\n")

    def refresh(self) -> None:
        """Do nothing: each piece was written as it came."""

    def end_reply(self, note: str = "", finish: Finish | None = None) -> None:
        """Write one line."""
        if not self._at_line_start:
            self._write("\n")
        self._at_line_start = True
        parts = [note, statistics(finish, self._texts) if finish is not None else ""]
        if line := " ".join(part for part in parts if part):
            self.notice(line)

    def leave(self, then: Callable[[], None]) -> None:
        """Call it: everything was written."""
        then()

    def notice(self, text: str) -> None:
        """Write it."""
        self._write(f"{sanitise(text)}\n")

    def error(self, error: XverseChatError) -> None:
        """Write message and hint."""
        self.notice(f"{self._texts.error_label}{self._texts.told(error.message)}")
        if error.hint:
            self.notice(self._texts.told(error.hint))

    def table(self, heading: str, rows: Iterable[tuple[str, str]]) -> None:
        """Write one line for each row."""
        if heading:
            self.notice(heading)
        for name, meaning in rows:
            self.notice(f"{sanitise_line(name)}: {meaning}" if name else meaning)

    def blank(self) -> None:
        """Leave no line free: a screen reader would read it out."""

    def _at_intervals(self, line: str) -> None:
        now = time.monotonic()
        if self._said_at is None or now - self._said_at >= INTERVAL_S:
            self._said_at = now
            self.notice(line)

    def _write(self, text: str) -> None:
        self._file.write(text)
        self._file.flush()
