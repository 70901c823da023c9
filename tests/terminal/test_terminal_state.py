import io
import os
import termios
from collections.abc import Iterator

import pytest

from xverse_chat.terminal.terminal_state import TerminalState, wants_plain, wants_screen_reader

IFLAG, LFLAG = 0, 3
IUTF8 = 0x4000


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    master, slave = os.openpty()
    with open(slave, "r+b", buffering=0, closefd=False) as file:
        monkeypatch.setattr("sys.stdin", file)
        monkeypatch.setattr("sys.stdout", file)
        yield slave
    os.close(master)
    os.close(slave)


def flags(terminal: int) -> tuple[int, int]:
    settings = termios.tcgetattr(terminal)
    return settings[IFLAG], settings[LFLAG]


def test_quiet_echoes_nothing_and_everything_comes_back(terminal: int) -> None:
    before = termios.tcgetattr(terminal)
    with TerminalState(can_redraw=False).quiet():
        iflag, lflag = flags(terminal)
        assert not lflag & (termios.ECHO | termios.ICANON)
        assert lflag & termios.ISIG
        assert iflag & IUTF8
    assert termios.tcgetattr(terminal) == before


def test_an_echoed_line_is_erased_by_the_character(terminal: int) -> None:
    state = TerminalState(can_redraw=False)
    with state.quiet():
        with state.echoing():
            iflag, lflag = flags(terminal)
            assert iflag & IUTF8
            assert lflag & termios.ECHO
        assert not flags(terminal)[1] & termios.ECHO


def test_a_terminal_that_is_gone_does_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    master, slave = os.openpty()
    with open(slave, "r+b", buffering=0) as file:
        monkeypatch.setattr("sys.stdin", file)
        monkeypatch.setattr("sys.stdout", file)
        state = TerminalState(can_redraw=True)
        os.close(master)
        state.restore(erase_below=True)


class File(io.StringIO):
    def __init__(self, is_terminal: bool) -> None:
        super().__init__()
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal


@pytest.mark.parametrize(
    ("plain", "environment", "is_terminal", "wanted"),
    [
        (False, {"TERM": "xterm"}, True, False),
        (True, {"TERM": "xterm"}, True, True),
        (False, {"TERM": "xterm"}, False, True),
        (False, {"TERM": "dumb"}, True, True),
        (False, {}, True, True),
        (False, {"TERM": "xterm", "NO_COLOR": "1"}, True, True),
        (False, {"TERM": "xterm", "NO_COLOR": ""}, True, False),
    ],
)
def test_redrawing_needs_a_terminal_that_can_and_a_user_who_wants(
    plain: bool, environment: dict[str, str], is_terminal: bool, wanted: bool
) -> None:
    assert wants_plain(plain, environment, File(is_terminal)) is wanted


@pytest.mark.parametrize(
    ("asked", "variable", "wanted"),
    [
        (None, None, False),
        (None, "", False),
        (None, "0", False),
        (None, "False", False),
        (None, "1", True),
        (None, "yes please", True),
        (True, None, True),
        (True, "0", True),
        (False, "1", False),
    ],
)
def test_a_screen_reader_is_asked_for_by_option_else_by_the_variable(
    asked: bool | None, variable: str | None, wanted: bool
) -> None:
    environment = {} if variable is None else {"ACCESSIBLE": variable}
    assert wants_screen_reader(asked, environment) is wanted
