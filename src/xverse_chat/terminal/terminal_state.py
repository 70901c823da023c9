"""The terminal's own settings: kept quiet during a conversation, restored however it ends.

Standard library only.
"""

import os
import sys
import termios
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, TextIO

_IFLAG, _LFLAG, _CC = 0, 3, 6
# The terminal's driver then erases a whole character of UTF-8 and not one byte of it. Python
# knows the name from 3.13 on; Linux and macOS agree on the number.
_IUTF8 = getattr(termios, "IUTF8", 0x4000)

BRACKETED_PASTE_ON = "\x1b[?2004h"
# Colours off, cursor shown, lines wrap, no bracketed paste: what a program may have changed.
_RESET = "\x1b[0m\x1b[?25h\x1b[?7h\x1b[?2004l"


class TerminalState:
    """The settings of the terminal at the time of creation. Harmless where there is none."""

    def __init__(self, *, can_redraw: bool) -> None:
        self._can_redraw = can_redraw
        self._input = sys.stdin.fileno()
        self._output = sys.stdout.fileno()
        self._saved: list[Any] | None = None
        if os.isatty(self._input):
            self._saved = termios.tcgetattr(self._input)

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """Echo nothing that is typed while no line is edited; it waits for the next prompt."""
        self._be_quiet()
        try:
            yield
        finally:
            self.restore()

    @contextmanager
    def echoing(self) -> Iterator[None]:
        """Have the terminal's driver edit a line, inside ``quiet``."""
        if self._saved is not None:
            mode = list(self._saved)
            mode[_IFLAG] |= _IUTF8
            self._set(mode)
        try:
            yield
        finally:
            self._be_quiet()

    def expect_paste(self) -> None:
        """Have a paste marked as one also while no line is edited."""
        if self._can_redraw:
            self._write(BRACKETED_PASTE_ON)

    def restore(self, *, erase_below: bool = False) -> None:
        """Put everything back. Safe in a signal handler and on a terminal that is gone."""
        if self._can_redraw:
            self._write(_RESET + ("\r\n\x1b[J" if erase_below else ""))
        if self._saved is not None:
            self._set(self._saved)

    def _be_quiet(self) -> None:
        if self._saved is None:
            return
        mode = list(self._saved)
        # As prompt_toolkit sets it, so that what is typed now reads the same later; Ctrl-C
        # stays a signal and drops nothing of what is still to be read or shown.
        mode[_IFLAG] = mode[_IFLAG] & ~(termios.ICRNL | termios.INLCR | termios.IGNCR) | _IUTF8
        mode[_LFLAG] &= ~(termios.ECHO | termios.ICANON | termios.IEXTEN)
        mode[_LFLAG] |= termios.ISIG | termios.NOFLSH
        mode[_CC] = list(mode[_CC])
        mode[_CC][termios.VMIN], mode[_CC][termios.VTIME] = 1, 0
        mode[_CC][termios.VSUSP] = mode[_CC][termios.VQUIT] = b"\x00"
        self._set(mode)

    def _set(self, mode: list[Any]) -> None:
        # TCSANOW: what was typed already is kept, and a stopped terminal is not waited for.
        with suppress(termios.error):  # it has hung up: there is nothing to set
            termios.tcsetattr(self._input, termios.TCSANOW, mode)

    def write(self, content: bytes) -> None:
        """Send bytes to the terminal, past Python's buffers; nothing where it is gone."""
        with suppress(OSError):
            while content:
                content = content[os.write(self._output, content) :]

    def _write(self, text: str) -> None:
        # Past Python's buffers, which a signal handler may have interrupted in the middle.
        with suppress(OSError):
            os.write(self._output, text.encode())


def wants_plain(plain: bool, environment: Mapping[str, str], file: TextIO) -> bool:
    """Tell whether nothing may be redrawn: asked for, no terminal, or one that cannot."""
    return (
        plain
        or bool(environment.get("NO_COLOR"))
        or environment.get("TERM", "") in ("dumb", "unknown", "")
        or not file.isatty()
    )


def wants_screen_reader(asked: bool | None, environment: Mapping[str, str]) -> bool:
    """Tell whether what is shown is read out; ``asked`` is None where nobody said.

    A program cannot find that out by itself: ACCESSIBLE is what other programs ask, too.
    """
    said = environment.get("ACCESSIBLE", "").lower()
    return said not in ("", "0", "false", "no", "off") if asked is None else asked
