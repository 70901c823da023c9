import os
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.pseudo_terminal import CTRL_C, PseudoTerminal
from xverse_chat.terminal.interruptible import INTERVAL_S, interruptible

# Before it waits for a key, readline calls the hook, here one that never enters Python: the signal
# is noted, and nobody looks for it until the wait ends.
ASKING = """
import ctypes, functools, readline, sys
from xverse_chat.terminal.interruptible import interruptible

if "--early" in sys.argv:
    readline.set_pre_input_hook(functools.partial(getattr(ctypes.CDLL(None), "raise"), 2))
try:
    with interruptible():
        print(input("? "))
except KeyboardInterrupt:
    print("interrupted")
"""


def asked(folder: Path, *options: str) -> PseudoTerminal:
    script = folder / "asking.py"
    script.write_text(ASKING)
    return PseudoTerminal([sys.executable, str(script), *options], environment=os.environ)


def test_ctrl_c_ends_the_line(tmp_path: Path) -> None:
    with asked(tmp_path) as terminal:
        terminal.wait_for("?")
        terminal.type("a" + CTRL_C)
        terminal.wait_for("interrupted")


def test_a_ctrl_c_that_came_before_the_wait_ends_it(tmp_path: Path) -> None:
    with asked(tmp_path, "--early") as terminal:
        terminal.wait_for("interrupted")


def test_a_line_typed_slowly_is_whole(tmp_path: Path) -> None:
    with asked(tmp_path) as terminal:
        terminal.wait_for("?")
        for number, letter in enumerate("你好吗", start=1):
            time.sleep(1.5 * INTERVAL_S)
            terminal.type(letter)
            terminal.wait_for("? " + "你好吗"[:number])
        terminal.type("\r")
        terminal.wait_for("\n你好吗")


def test_what_signals_did_before_they_do_again() -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGALRM)
    with pytest.raises(ZeroDivisionError), interruptible():
        raise ZeroDivisionError
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGALRM)) == before
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
