"""Putting text into the clipboard of the machine where the user sits, also over SSH and in tmux.

Standard library only. OSC 52 asks the terminal to do it. By default tmux takes that from nobody
but itself, so that inside tmux it is asked first, which it does also where it passes nothing on.
"""

import base64
import subprocess
from collections.abc import Callable, Mapping

from xverse_chat.errors import UsageError
from xverse_chat.terminal.measures import format_bytes
from xverse_chat.wording import Sentence, say

# In base64 99,992 characters; many terminals ignore what has more than 100,000.
MOST_BYTES = 74_994
_TMUX_PATIENCE_S = 2.0


class Clipboard:
    """The clipboard behind a terminal; ``write`` sends bytes to it, None where it takes none."""

    def __init__(
        self, write: Callable[[bytes], None] | None, environment: Mapping[str, str]
    ) -> None:
        self._write = write
        self._environment = environment

    def put(self, text: str) -> Sentence:
        """Ask for ``text`` to be in the clipboard; return where it should be now.

        No terminal tells whether it obeyed. Raises UsageError for a text that is too long, and
        where nobody can be asked.
        """
        content = text.encode("utf-8", "replace")
        if len(content) > MOST_BYTES:
            raise UsageError(
                say(
                    "The text has {size}; a terminal takes {limit} at most into the clipboard.",
                    size=format_bytes(len(content)),
                    limit=format_bytes(MOST_BYTES),
                ),
                hint=say("Copy a part of it (/copy N), or write it into a file (/export FILE.md)."),
            )
        if self._environment.get("TMUX") and _tell_tmux(content):
            return say("tmux has it, and the clipboard where the terminal allows that.")
        if self._write is None:
            raise UsageError(
                say("Nothing can be copied here: this terminal takes plain text alone."),
                hint=say("/export FILE.md writes the conversation into a file."),
            )
        sequence = b"\x1b]52;c;" + base64.b64encode(content) + b"\x07"
        if self._is_in_tmux():
            # To the terminal around it, for a tmux that passes such things on. It ignores one of
            # the two, or both.
            sequence += b"\x1bPtmux;" + sequence.replace(b"\x1b", b"\x1b\x1b") + b"\x1b\\"
        self._write(sequence)
        return say("It is in the clipboard where the terminal allows that.")

    def _is_in_tmux(self) -> bool:
        """Whether tmux is there, perhaps at the other end of SSH."""
        return bool(self._environment.get("TMUX")) or self._environment.get("TERM", "").startswith(
            "tmux"
        )


def _tell_tmux(content: bytes) -> bool:
    """Have tmux keep it and hand it to its terminal; False where it is too old for that."""
    try:
        done = subprocess.run(
            ["tmux", "load-buffer", "-w", "-"],
            input=content,
            capture_output=True,
            timeout=_TMUX_PATIENCE_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
