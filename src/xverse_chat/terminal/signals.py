"""What the signals of a terminal do in a conversation. Standard library only."""

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType

from xverse_chat.terminal.renderer import Renderer
from xverse_chat.terminal.terminal_state import TerminalState


def watch_signals(
    interrupt: threading.Event,
    terminal: TerminalState,
    renderer: Renderer,
    settle: Callable[[], None],
) -> None:
    """Have Ctrl-C set ``interrupt``; a hang-up ends with 129, a termination with 143.

    Python would die of the last two at once, without restoring the terminal; ``settle`` saves
    what was said until then.
    """

    def leave(number: int, frame: FrameType | None) -> None:
        settle()

        def end() -> None:
            terminal.restore(erase_below=True)
            os._exit(128 + number)  # a thread may be inside the model, nobody waits for it

        renderer.leave(end)

    signal.signal(signal.SIGINT, lambda number, frame: interrupt.set())
    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGHUP, leave)
