"""A long reply as a user sees it come: a real program, a real pseudo-terminal, an emulated screen.

Every sentence of the reply bears a number of its own. The model says the next piece only when it
is told to, so that each step can be looked at.
"""

import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.pseudo_terminal import CTRL_C, PseudoTerminal
from tests.terminal.conversation import Start, ask, starter, wait_for_prompt

NUMBER = re.compile(r"\d{4}")
# Newest text has this long to be seen. Frames are 1/15 s apart; two busy cores need their time.
PATIENCE_S = 3.0


def numbered() -> list[str]:
    """Return a reply in pieces: paragraphs, code, tables and lists; each sentence numbered."""
    numbers = iter(f"{number:04}" for number in range(1, 1000))
    pieces: list[str] = []

    def say(form: str) -> None:
        pieces.append(re.sub("№", lambda found: next(numbers), form))

    for paragraph in range(20):
        say("**要点：**这是№，「流式」输出的文字不会重复，也不会丢失，编号№")
        say("，mixed with *English* words and `code`, №")
        pieces.append("。\n\n" if paragraph % 2 else "。\n单独一行的话。\n\n")
        if paragraph == 4:
            pieces.append("```python\n")
            for _ in range(14):
                say("def f(x):\n    # 第№")
                say(" 行\n    return x + 0x№\n")
            pieces.append("```\n\n")
        if paragraph == 9:
            pieces.append("| 名称 | 编号 | 说明 |\n|---|---:|---|\n")
            for _ in range(6):
                say("| 宽字符 № | №")
                say(" | 一个格子里的说明，可能很长 № |\n")
            pieces.append("\n")
        if paragraph == 14:
            for item in range(8):
                say(f"{item + 1}. 第一层 №\n   - 第二层的内容 №\n")
            pieces.append("\n> 引用的话\n\n")
    return pieces


PIECES = numbered()
WHOLE = NUMBER.findall("".join(PIECES))


@pytest.fixture
def start(tmp_path: Path) -> Start:
    return starter(tmp_path)


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    path = tmp_path / "gate"
    os.mkfifo(path)
    return path


@contextmanager
def step(terminal: PseudoTerminal, gate: Path) -> Iterator[Iterator[str]]:
    """Yield the last number that was said, after each piece, once it can be seen."""

    def steps() -> Iterator[str]:
        newest = ""
        for piece in PIECES:
            os.write(writer, b".")
            said = NUMBER.findall(piece)
            if said:
                newest = said[-1]
                terminal.wait_for(newest, timeout_s=PATIENCE_S)
                yield newest

    writer = os.open(gate, os.O_WRONLY)
    try:
        yield steps()
    finally:
        os.close(writer)


def assert_each_once(terminal: PseudoTerminal, newest: str) -> None:
    """Nothing that was printed and nothing that is drawn is there twice, missing or moved."""
    assert NUMBER.findall(terminal.everything) == WHOLE[: WHOLE.index(newest) + 1]


@pytest.mark.parametrize(("rows", "columns"), [(24, 80), (50, 120)])
def test_the_newest_text_is_always_seen_and_nothing_is_there_twice(
    start: Start, gate: Path, rows: int, columns: int
) -> None:
    with start(columns=columns, rows=rows, replies=[PIECES], gate=str(gate)) as terminal:
        ask(terminal, "写长一点")
        with step(terminal, gate) as steps:
            for newest in steps:
                assert_is_in_view(terminal, newest)
        wait_for_prompt(terminal)
        assert_each_once(terminal, WHOLE[-1])
        assert "**" not in terminal.everything
        assert terminal.everything.count("要点：这是") == 20


def assert_is_in_view(terminal: PseudoTerminal, newest: str) -> None:
    """The newest is the last thing on the screen, and nothing is there or above it twice.

    The first rows of a block that is longer than the window are not there before it ends.
    """
    seen = NUMBER.findall(terminal.everything)
    assert seen[-1] == newest
    assert seen == sorted(set(seen))


def test_a_window_that_changes_while_a_reply_comes_loses_and_repeats_nothing(
    start: Start, gate: Path
) -> None:
    sizes = iter([(100, 12), (100, 40), (120, 8), (120, 50), (140, 24)])
    with start(replies=[PIECES], gate=str(gate)) as terminal:
        ask(terminal, "写长一点")
        with step(terminal, gate) as steps:
            for index, newest in enumerate(steps):
                if index % 14 == 9 and (size := next(sizes, None)):
                    terminal.resize(*size)
                    terminal.watch(0.1)
                assert_is_in_view(terminal, newest)
        wait_for_prompt(terminal)
        assert_each_once(terminal, WHOLE[-1])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_what_was_said_before_the_program_is_ended_stays_each_once(
    start: Start, gate: Path, number: signal.Signals
) -> None:
    with start(replies=[PIECES], gate=str(gate)) as terminal:
        ask(terminal, "写长一点")
        with step(terminal, gate) as steps:
            newest = next(number for index, number in enumerate(steps) if index == 24)
            terminal.signal(number)
            assert terminal.exit_code(timeout_s=5) == 128 + number
        assert_each_once(terminal, newest)
        assert terminal.raw.rfind(b"\x1b[?25h") > terminal.raw.rfind(b"\x1b[?25l")
        assert terminal.settings == terminal.settings_before


def test_what_was_said_before_an_interrupt_stays_each_once(start: Start, gate: Path) -> None:
    with start(replies=[PIECES], gate=str(gate)) as terminal:
        ask(terminal, "写长一点")
        with step(terminal, gate) as steps:
            newest = next(number for index, number in enumerate(steps) if index == 30)
            terminal.type(CTRL_C)
            terminal.watch(0.2)
            writer = os.open(gate, os.O_WRONLY)
            os.write(writer, b".")
            os.close(writer)
        terminal.wait_for("(interrupted)")
        wait_for_prompt(terminal)
        assert_each_once(terminal, newest)
