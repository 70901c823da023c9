"""Making untrusted text harmless on a terminal. Standard library only.

Whatever comes out holds no control character but newline and tab, so nothing it contains can
move the cursor, change the title or reach the clipboard.
"""

import re
from enum import Enum, auto

# Longest bodies that are dropped; what follows them is shown as plain text, which does no harm.
MAX_CSI_CHARACTERS = 128
MAX_STRING_CHARACTERS = 4096

REPLACEMENT = "\ufffd"

# Everything the state machine has to look at: C0 but tab and newline, DEL, C1, bidi embeddings,
# overrides and isolates, surrogates. Text without these passes unread.
_SPECIAL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]",
)
_ESCAPE = "\x1b"
_CSI = "\x9b"
_STRING_STARTS = frozenset("\x90\x98\x9d\x9e\x9f")  # DCS SOS OSC PM APC
_STRING_STARTS_AFTER_ESCAPE = frozenset("PX]^_")
_STRING_ENDS = frozenset("\x07\x18\x1a\x9c")  # BEL CAN SUB ST; ESC \ ends one by way of ESC


class _State(Enum):
    TEXT = auto()
    ESCAPE = auto()  # after ESC and its intermediates
    CSI = auto()
    STRING = auto()


class Sanitiser:
    """A filter for streamed text: what comes out does not depend on how the text was cut."""

    def __init__(self) -> None:
        self._state = _State.TEXT
        self._swallowed = 0  # characters of the sequence that is being dropped

    def feed(self, piece: str) -> str:
        """Return what of ``piece`` may be shown."""
        if self._state is _State.TEXT and not _SPECIAL.search(piece):
            return piece
        return "".join(map(self._pass, piece))

    def reset(self) -> None:
        """End the text, so that a sequence left open swallows nothing of the next one."""
        self._state = _State.TEXT

    def _pass(self, character: str) -> str:
        """Return ``character``, its replacement, or nothing."""
        if character == "\n":
            self._state = _State.TEXT
        elif character == _ESCAPE:
            self._enter(_State.ESCAPE)
            return ""
        elif self._state is not _State.TEXT and self._swallow(character):
            return ""
        if not _SPECIAL.match(character):
            return character
        if character > "\x9f":
            return REPLACEMENT
        if character == _CSI:
            self._enter(_State.CSI)
        elif character in _STRING_STARTS:
            self._enter(_State.STRING)
        return ""

    def _swallow(self, character: str) -> bool:
        """Tell whether the open sequence takes ``character``; if not, it is over."""
        self._swallowed += 1
        if self._state is _State.STRING:
            if character in _STRING_ENDS or self._swallowed >= MAX_STRING_CHARACTERS:
                self._state = _State.TEXT
            return True
        if self._swallowed > MAX_CSI_CHARACTERS or not " " <= character <= "\x7f":
            self._state = _State.TEXT
            return False
        if self._state is _State.ESCAPE:
            self._after_escape(character)
        elif "@" <= character <= "~":
            self._state = _State.TEXT
        return True

    def _after_escape(self, character: str) -> None:
        if self._swallowed == 1 and character == "[":
            self._enter(_State.CSI)
        elif self._swallowed == 1 and character in _STRING_STARTS_AFTER_ESCAPE:
            self._enter(_State.STRING)
        elif "0" <= character <= "~":
            self._state = _State.TEXT

    def _enter(self, state: _State) -> None:
        self._state = state
        self._swallowed = 0


def sanitise(text: str) -> str:
    """Return what of a whole text may be shown."""
    return Sanitiser().feed(text)


def sanitise_line(text: str) -> str:
    """Return what of a text may be shown in one line: for file names and other labels."""
    return " ".join(sanitise(text).split())
