"""Interrupting and leaving a conversation: keys, signals, a terminal that goes away."""

import signal
from pathlib import Path

import pytest

from tests.pseudo_terminal import CTRL_C, CTRL_D, ENTER, UP
from tests.terminal.conversation import LONG, Start, ask, starter, wait_for_prompt


@pytest.fixture
def start(tmp_path: Path) -> Start:
    return starter(tmp_path)


def test_an_interrupt_keeps_what_was_said(start: Start) -> None:
    with start(language="zh", replies=[LONG], piece_s=0.02) as terminal:
        ask(terminal, "数数")
        terminal.wait_for("一二三")
        terminal.type(CTRL_C)
        assert wait_for_prompt(terminal, timeout_s=1) < 1
        assert "（已中断）" in terminal.text
        assert "^C" not in terminal.text
        ask(terminal, "继续")
        terminal.wait_for("heard: '数数' | '一二三")


def test_an_interrupt_comes_through_although_the_engine_is_slow(start: Start) -> None:
    with start(replies=[LONG, ["Late."]], piece_s=0.02, deaf_s=2.5) as terminal:
        ask(terminal, "count")
        terminal.wait_for("一二三")
        terminal.type(CTRL_C)
        assert wait_for_prompt(terminal, timeout_s=1) < 1
        ask(terminal, "next")
        terminal.wait_for("Waiting for the reply before to stop…")
        terminal.wait_for("> next\nLate.")


def test_waiting_for_a_slow_engine_can_be_given_up(start: Start) -> None:
    with start(replies=[LONG], piece_s=0.02, deaf_s=30) as terminal:
        ask(terminal, "count")
        terminal.wait_for("一二三")
        terminal.type(CTRL_C)
        ask(terminal, "/new")
        terminal.wait_for("Waiting for the reply before to stop…")
        terminal.type(CTRL_C)
        terminal.wait_for("Not sent. Your message is in the line again.\n\n> /new")
        terminal.type(CTRL_C)
        wait_for_prompt(terminal)
        terminal.type(CTRL_D)
        assert terminal.exit_code(timeout_s=5) == 0
        assert terminal.settings == terminal.settings_before


def test_an_interrupt_before_the_first_word_takes_the_question_back(start: Start) -> None:
    with start(replies=[["never said"]], piece_s=5) as terminal:
        ask(terminal, "question")
        terminal.wait_for("…")
        terminal.type(CTRL_C)
        terminal.wait_for("nothing was said, so the question was taken back)")
        wait_for_prompt(terminal)
        terminal.type(UP)
        terminal.wait_until(lambda: terminal.lines[terminal.cursor[0]] == "> question", "history")


@pytest.mark.parametrize("typed", ["", "some text"])
def test_an_interrupt_while_loading_leaves(start: Start, typed: str) -> None:
    with start(load_s=30) as terminal:
        wait_for_prompt(terminal)
        terminal.type(typed + CTRL_C)
        assert terminal.exit_code(timeout_s=5) == 130
        assert terminal.settings == terminal.settings_before


def test_an_interrupt_while_the_first_message_waits_leaves(start: Start) -> None:
    with start(load_s=30) as terminal:
        ask(terminal, "hi")
        terminal.wait_for("> hi\nLoading the model")
        terminal.type(CTRL_C)
        assert terminal.exit_code(timeout_s=5) == 130
        assert terminal.settings == terminal.settings_before


def test_two_interrupts_leave_and_one_says_so(start: Start) -> None:
    with start() as terminal:
        wait_for_prompt(terminal)
        terminal.watch(0.3)
        terminal.type("text" + CTRL_C)
        wait_for_prompt(terminal)
        terminal.type(CTRL_C)
        terminal.wait_for("To leave, press Ctrl-C again")
        terminal.type(CTRL_C)
        assert terminal.exit_code() == 130
        assert "To leave" not in terminal.text


def test_the_hint_goes_by_itself(start: Start) -> None:
    with start(language="zh") as terminal:
        wait_for_prompt(terminal)
        terminal.watch(0.3)
        terminal.type(CTRL_C)
        terminal.wait_for("要退出")
        terminal.wait_until(lambda: "要退出" not in terminal.text, "no hint")


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("word", ["exit", "/quit", CTRL_D])
def test_there_are_ways_to_leave(start: Start, language: str, word: str) -> None:
    with start(language=language) as terminal:
        wait_for_prompt(terminal)
        terminal.type(word if word == CTRL_D else word + ENTER)
        assert terminal.exit_code() == 0


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
@pytest.mark.parametrize("moment", ["loading", "prompt", "reply"])
def test_a_signal_restores_the_terminal(
    start: Start, number: signal.Signals, code: int, moment: str
) -> None:
    load_s = 30.0 if moment == "loading" else 0.0
    with start(load_s=load_s, replies=[LONG], piece_s=0.05) as terminal:
        wait_for_prompt(terminal)
        if moment == "reply":
            terminal.type("hi" + ENTER)
            terminal.wait_for("一二三")
        terminal.watch(0.3)
        terminal.signal(number)
        assert terminal.exit_code(timeout_s=5) == code
        assert terminal.settings == terminal.settings_before
        assert terminal.raw.rfind(b"\x1b[?2004l") > terminal.raw.rfind(b"\x1b[?2004h")
        assert "Loading" not in terminal.text


@pytest.mark.parametrize("moment", ["prompt", "reply"])
def test_a_terminal_that_goes_away_ends_the_program(start: Start, moment: str) -> None:
    with start(replies=[LONG], piece_s=0.05) as terminal:
        wait_for_prompt(terminal)
        if moment == "reply":
            terminal.type("hi" + ENTER)
            terminal.wait_for("一二三")
        terminal.hang_up()
        assert terminal.exit_code(timeout_s=5) == 129


def test_a_lost_device_is_told_and_ends_the_program(start: Start) -> None:
    with start(replies=[["half", "LOST"]]) as terminal:
        ask(terminal, "q")
        terminal.wait_for("> q\nhalf\nError: The GPU failed.\nStart anew.")
        assert terminal.exit_code() == 70
        assert terminal.settings == terminal.settings_before
