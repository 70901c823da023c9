"""A real pseudo-terminal with a screen: start a program in it, type, and see what a user sees."""

import fcntl
import os
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import pyte

ENTER, CTRL_C, CTRL_D, CTRL_J = "\r", "\x03", "\x04", "\n"
ALT_ENTER, BACKSPACE, LEFT, UP, TAB = "\x1b\r", "\x7f", "\x1b[D", "\x1b[A", "\t"
TIMEOUT_S = 20.0


def pasted(text: str) -> str:
    """Return what a terminal sends when ``text`` is pasted and the program asked for brackets."""
    return f"\x1b[200~{text}\x1b[201~"


def _take_terminal() -> None:
    """Make stdin the terminal that rules this session, so that Ctrl-C and hang-ups reach it."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class _Screen(pyte.HistoryScreen):  # type: ignore[misc]
    """A screen that answers questions, such as where the cursor is, as a terminal does."""

    answer: Callable[[str], None]
    lines: int

    def write_process_input(self, data: str) -> None:
        self.answer(data)

    def resize(self, lines: int | None = None, columns: int | None = None) -> None:
        """Change the size as xterm does: what is below the cursor goes before what is above."""
        lines = lines or self.lines
        for _ in range(self.cursor.y - lines + 1):
            self.history.top.append(self.buffer[0])
            for row in range(self.lines - 1):
                self.buffer[row] = self.buffer[row + 1]
            self.buffer.pop(self.lines - 1)
            self.cursor.y -= 1
        for row in range(lines, self.lines):
            self.buffer.pop(row, None)
        self.lines = min(self.lines, lines)  # nothing is left for pyte to take away
        super().resize(lines, columns)


class PseudoTerminal:
    """A program in a terminal of its own. ``raw`` holds every byte that it wrote."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        columns: int = 80,
        rows: int = 24,
    ) -> None:
        self.raw = bytearray()
        self._screen = _Screen(columns, rows, history=5000, ratio=0.5)
        self._screen.answer = self.type
        self._stream = pyte.ByteStream(self._screen)
        self._master, self._slave = os.openpty()
        self._set_size(columns, rows)
        self.settings_before = termios.tcgetattr(self._slave)
        self._process = subprocess.Popen(
            command,
            stdin=self._slave,
            stdout=self._slave,
            stderr=self._slave,
            # A size in the environment would count for more than the terminal's own.
            env={k: v for k, v in environment.items() if k not in ("COLUMNS", "LINES")},
            start_new_session=True,
            preexec_fn=_take_terminal,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if error is not None:
            sys.stderr.write(f"the screen was:\n{self.text}\n")
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        for descriptor in (self._master, self._slave):
            if descriptor >= 0:
                os.close(descriptor)

    @property
    def lines(self) -> list[str]:
        """The screen, row by row, without trailing blanks."""
        return [self._line(self._screen.buffer[row]) for row in range(self._screen.lines)]

    @property
    def text(self) -> str:
        """The screen as one text, without the blank rows at its end."""
        return "\n".join(self.lines).rstrip("\n")

    @property
    def cells(self) -> list[list[Any]]:
        """The screen as pyte's characters with their colours; a wide one's second is empty."""
        columns = range(self._screen.columns)
        rows = range(self._screen.lines)
        return [[self._screen.buffer[row][column] for column in columns] for row in rows]

    @property
    def everything(self) -> str:
        """What scrolled off the top and the screen, as one text."""
        above = [self._line(row) for row in self._screen.history.top]
        return "\n".join([*above, *self.lines]).rstrip("\n")

    @property
    def cursor(self) -> tuple[int, int]:
        """Row and column of the cursor, from 0."""
        return self._screen.cursor.y, self._screen.cursor.x

    @property
    def settings(self) -> list[Any]:
        """The settings of the terminal now."""
        return termios.tcgetattr(self._slave)

    def type(self, text: str) -> None:
        """Send keys."""
        os.write(self._master, text.encode("utf-8", "surrogateescape"))

    def type_all(self, text: str) -> None:
        """Send more than a terminal holds; another thread has to read meanwhile."""
        content = text.encode("utf-8", "surrogateescape")
        while content:
            content = content[os.write(self._master, content[:4096]) :]

    def signal(self, number: int) -> None:
        """Send a signal to the program."""
        self._process.send_signal(number)

    def hang_up(self) -> None:
        """Close the terminal, as when an ssh connection drops."""
        os.close(self._slave)
        os.close(self._master)
        self._slave = self._master = -1

    def resize(self, columns: int, rows: int) -> None:
        """Change the size of the window."""
        self._screen.resize(rows, columns)
        self._set_size(columns, rows)
        os.killpg(self._process.pid, signal.SIGWINCH)

    def wait_for(self, wanted: str, *, timeout_s: float = TIMEOUT_S) -> float:
        """Wait until ``wanted`` is on the screen; return how many seconds that took."""
        return self.wait_until(lambda: wanted in self.text, wanted, timeout_s=timeout_s)

    def wait_until(
        self, holds: Callable[[], bool], told: str, *, timeout_s: float = TIMEOUT_S
    ) -> float:
        """Wait until ``holds()``; fail with the screen if it never does."""
        began = time.monotonic()
        while not holds():
            left = timeout_s - (time.monotonic() - began)
            assert left > 0, f"{told!r} did not come within {timeout_s} s; screen:\n{self.text}"
            if not self._read(min(left, 0.05)) and self._process.poll() is not None:
                self._read(0)
                assert holds(), f"ended ({self._process.returncode}) before {told!r}:\n{self.text}"
        return time.monotonic() - began

    def watch(self, seconds: float) -> None:
        """Read what the program writes for a while."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._read(min(left, 0.05))

    def exit_code(self, *, timeout_s: float = TIMEOUT_S) -> int:
        """Wait for the program's end and return its exit code."""
        end = time.monotonic() + timeout_s
        while self._process.poll() is None:
            assert time.monotonic() < end, f"still running after {timeout_s} s:\n{self.text}"
            if self._master >= 0:
                self._read(0.05)
            else:
                time.sleep(0.02)
        while self._master >= 0 and self._read(0):
            pass
        return self._process.returncode

    def _read(self, timeout_s: float) -> bool:
        if not select.select([self._master], [], [], timeout_s)[0]:
            return False
        data = os.read(self._master, 65536)
        self.raw += data
        self._stream.feed(data)
        return bool(data)

    def _set_size(self, columns: int, rows: int) -> None:
        size = struct.pack("HHHH", rows, columns, 0, 0)
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, size)

    def _line(self, row: Any) -> str:
        # The second cell of a wide character is empty.
        return "".join(row[column].data for column in range(self._screen.columns)).rstrip()
