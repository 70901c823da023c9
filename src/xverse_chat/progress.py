"""What long work reports, so that nobody waits without seeing why. Standard library only.

``hub`` and ``engine`` report; ``terminal`` shows.
"""

from enum import Enum
from typing import Protocol

from xverse_chat.wording import Sentence


class Stage(Enum):
    """One leg of the way from a server to a loaded model."""

    DOWNLOAD = "download"
    VERIFY = "verify"
    CONVERT = "convert"
    LOAD = "load"
    QUANTIZE = "quantize"


class Progress(Protocol):
    """Receives what long work does. Every call may come from any thread."""

    def begin(self, stage: Stage, total_bytes: int) -> None:
        """Enter a stage of ``total_bytes``; the stage before it is over."""

    def start(self, name: str, total_bytes: int) -> None:
        """Begin one item of the stage, a file or a layer."""

    def advance(self, name: str, size_bytes: int) -> None:
        """Count bytes done of an item; negative when the item starts over."""

    def finish(self, name: str) -> None:
        """End one item, well or not."""

    def note(self, text: Sentence) -> None:
        """Say one sentence, such as that another process is being waited for."""


class NoProgress:
    """Receives everything and shows nothing."""

    def begin(self, stage: Stage, total_bytes: int) -> None:
        """Ignore it."""

    def start(self, name: str, total_bytes: int) -> None:
        """Ignore it."""

    def advance(self, name: str, size_bytes: int) -> None:
        """Ignore it."""

    def finish(self, name: str) -> None:
        """Ignore it."""

    def note(self, text: Sentence) -> None:
        """Ignore it."""
