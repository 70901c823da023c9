"""The conversation as a user sees it: a real program in a real pseudo-terminal."""

import time
from pathlib import Path
from typing import Any

import pytest

from tests.pseudo_terminal import (
    ALT_ENTER,
    BACKSPACE,
    CTRL_C,
    CTRL_D,
    ENTER,
    LEFT,
    UP,
    pasted,
)
from tests.terminal.conversation import LONG, Start, ask, starter, wait_for_prompt


@pytest.fixture
def start(tmp_path: Path) -> Start:
    return starter(tmp_path)


def test_a_conversation_is_remembered_and_leaves_nothing_behind(start: Start) -> None:
    with start(replies=[["Hello", " Ann."]]) as terminal:
        ask(terminal, "I am Ann")
        terminal.wait_for("Hello Ann.\n2 tokens · 42 tokens/s · first after 0.10 s")
        ask(terminal, "my name?")
        terminal.wait_for("heard: 'I am Ann' | 'Hello Ann.' | 'my name?'")
        ask(terminal, "/exit")
        assert terminal.exit_code() == 0
        assert terminal.settings == terminal.settings_before
        assert terminal.raw.rfind(b"\x1b[?2004l") > terminal.raw.rfind(b"\x1b[?2004h")
        assert terminal.cursor[1] == 0


def test_the_prompt_is_there_at_once_and_the_first_message_waits(start: Start) -> None:
    with start(language="zh", load_s=2.0, replies=[["好的。"]]) as terminal:
        assert wait_for_prompt(terminal) < 1.5
        terminal.type("请翻译以下文字")
        terminal.wait_for("正在加载模型  ━")
        assert terminal.lines[-1].startswith("正在加载模型")
        terminal.wait_for("剩余 0:01")
        terminal.type(ENTER)
        terminal.wait_for("> 请翻译以下文字\n正在加载模型")
        terminal.wait_for("> 请翻译以下文字\n好的。\n1 个 token")
        assert "正在加载" not in terminal.text


def test_a_narrow_window_shows_the_time_left_rather_than_a_bar(start: Start) -> None:
    with start(columns=60, load_s=3.0) as terminal:
        terminal.wait_for("left")
        assert "━" not in terminal.lines[-1]
        assert terminal.lines[-1].startswith("Loading the model  ")


def test_what_the_model_turns_out_to_be_is_said_above_the_line(start: Start) -> None:
    with start(load_s=1.0, device="cuda:0 (GPU \x1b]0;x\x07)") as terminal:
        wait_for_prompt(terminal)
        terminal.type("unfinished")
        terminal.wait_for("· cuda:0 (GPU )\n> unfinished")
        assert terminal.cursor[1] == len("> unfinished")
        assert terminal.text.count("float32") == 2


def test_chinese_is_edited_by_the_character(start: Start) -> None:
    with start(columns=24) as terminal:
        wait_for_prompt(terminal)
        terminal.type("请翻译以下文字" + BACKSPACE * 2 + LEFT * 2 + "好")
        terminal.wait_for("> 请翻译好以下")
        assert terminal.cursor[1] == len("> ") + 2 * len("请翻译好")
        terminal.type("很长很长很长很长很长")
        terminal.wait_for("> 请翻译好很长很长很长很\n  长很长以下")
        terminal.type(ENTER)
        terminal.wait_for("heard: '请翻译好很长")


@pytest.mark.parametrize("plain", [False, True])
def test_three_pasted_lines_stay_one_message_and_run_nothing(start: Start, plain: bool) -> None:
    with start(plain=plain) as terminal:
        terminal.wait_for("You:" if plain else ">")
        terminal.type("/exit\n二\n三\n" if plain else pasted("/exit\n二\n三") + ENTER)
        terminal.wait_for(r"heard: '/exit\n二\n三'")


def test_a_paste_during_a_reply_waits_unsent_for_the_next_prompt(start: Start) -> None:
    with start(replies=[LONG[:20]], piece_s=0.05) as terminal:
        ask(terminal, "hi")
        terminal.wait_for("一二")
        terminal.type(pasted("one\ntwo\n"))
        terminal.wait_for("> one\n  two")
        terminal.watch(0.5)
        assert "heard" not in terminal.text


def test_new_lines_are_typed_in_three_ways(start: Start) -> None:
    with start() as terminal:
        ask(terminal, f"a{ALT_ENTER}b\nc\\{ENTER}d")
        terminal.wait_for("> a\n  b\n  c\n  d\n")
        terminal.wait_for(r"heard: 'a\nb\nc\nd'")


def test_sequences_in_a_reply_are_inert(start: Start) -> None:
    hostile = ["safe\x1b", "]52;c;ZXZp", "bA==\x07\x1b[2", "J\x1b]0;title\x07\x9b1m", "\x1bc text"]
    with start(replies=[hostile]) as terminal:
        ask(terminal, "hi")
        terminal.wait_for("> hi\nsafe text\n5 tokens")
        assert b"]52;" not in terminal.raw
        assert b"]0;" not in terminal.raw
        assert b"\x1b[2J" not in terminal.raw


def test_errors_are_told_and_the_conversation_goes_on(start: Start) -> None:
    with start(language="zh", replies=[["ERROR"], "memory"]) as terminal:
        ask(terminal, "第一")
        terminal.wait_for("> 第一\n错误：The engine broke.\nTry again.")
        ask(terminal, "第二")
        terminal.wait_for("错误：The GPU memory is full.\nType /new.")
        ask(terminal, "第三")
        terminal.wait_for("heard: '第三'")


def test_an_error_in_mid_reply_keeps_what_was_said(start: Start) -> None:
    with start(replies=[["half", "ERROR"]]) as terminal:
        ask(terminal, "q")
        terminal.wait_for("> q\nhalf\nError: The engine broke.")
        ask(terminal, "r")
        terminal.wait_for("heard: 'q' | 'half' | 'r'")


@pytest.mark.parametrize("plain", [False, True])
def test_a_failure_to_load_ends_with_its_message_and_code(start: Start, plain: bool) -> None:
    with start(load_s=0.5, load_error="The weights are broken.", plain=plain) as terminal:
        terminal.wait_for("You:" if plain else ">")
        terminal.type("unsent" + (ENTER if plain else ""))
        assert terminal.exit_code() == 70
        assert "The weights are broken. Load it again." in terminal.text
        assert "Traceback" not in terminal.text
        assert terminal.settings == terminal.settings_before


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ({"reason": "length"}, "The reply was cut off at 1 tokens"),
        ({"dropped": 4}, "longer than the 2048 tokens the model can read"),
        ({"replies": [[]]}, "(the model ended without saying anything)"),
    ],
)
def test_what_is_unusual_about_a_reply_is_said(
    start: Start, script: dict[str, Any], told: str
) -> None:
    with start(**script) as terminal:
        ask(terminal, "hi")
        terminal.wait_for(told)


def test_new_forgets(start: Start) -> None:
    with start() as terminal:
        ask(terminal, "secret")
        terminal.wait_for("heard: 'secret'")
        ask(terminal, "/new")
        terminal.wait_for("A new conversation.")
        ask(terminal, "well?")
        terminal.wait_for("heard: 'well?'")


def test_help_is_offered_completed_and_shown(start: Start) -> None:
    with start(language="zh") as terminal:
        wait_for_prompt(terminal)
        terminal.type("/")
        terminal.wait_for("/new       开始新的对话")
        terminal.type("h\t")
        terminal.wait_for("> /help")
        terminal.type(ENTER)
        terminal.wait_for("\n  /help [命令]      列出命令")
        wait_for_prompt(terminal)
        terminal.wait_until(
            lambda: terminal.lines[0].startswith("  /new  ") and "上下文" in terminal.lines[-1],
            "the whole list with the prompt and the foot",
        )
        assert terminal.text.count("列出命令") == 1
        ask(terminal, "/help keys")
        terminal.wait_for("  Alt-回车       换行")
        ask(terminal, "/hlep")
        terminal.wait_for("你是想输入 /help 吗？")


def test_a_resize_in_a_reply_loses_nothing(start: Start) -> None:
    words = [f"word{number} " for number in range(60)]
    with start(replies=[words], piece_s=0.02) as terminal:
        ask(terminal, "hi")
        terminal.wait_for("word5 ")
        terminal.resize(50, 24)
        terminal.watch(0.2)
        terminal.resize(100, 30)
        terminal.wait_for("60 tokens")
        ask(terminal, "still there?")
        terminal.wait_for("'still there?'")


def test_plain_writes_no_escapes_and_edits_chinese(start: Start) -> None:
    with start(language="zh", plain=True, replies=[["你好。"], LONG], piece_s=0.02) as terminal:
        terminal.wait_for("你：")
        terminal.type("请翻译以下文字" + BACKSPACE * 2 + LEFT * 2 + "好" + ENTER)
        terminal.wait_for("模型：你好。\n1 个 token")
        terminal.type("数数" + ENTER)
        terminal.wait_for("模型：一二三")
        terminal.type(CTRL_C)
        terminal.wait_for("（已中断）")
        terminal.wait_until(lambda: terminal.lines[terminal.cursor[0]] == "你：", "prompt")
        terminal.type(UP)
        terminal.wait_until(lambda: terminal.lines[terminal.cursor[0]] == "你：数数", "history")
        terminal.type(CTRL_C)
        terminal.wait_for("要退出")
        terminal.type(CTRL_C)
        assert terminal.exit_code() == 130
        assert b"\x1b" not in terminal.raw
        assert terminal.settings == terminal.settings_before


def test_plain_continues_a_line_that_ends_with_a_backslash(start: Start) -> None:
    with start(plain=True) as terminal:
        terminal.wait_for("You:")
        terminal.type("a\\" + ENTER)
        terminal.watch(0.2)
        terminal.type("b" + ENTER)
        terminal.wait_for(r"heard: 'a\nb'")
        terminal.type(CTRL_D)
        assert terminal.exit_code() == 0


@pytest.mark.parametrize("plain", [False, True])
def test_bytes_that_are_no_text_do_not_reach_the_model(start: Start, plain: bool) -> None:
    with start(plain=plain) as terminal:
        terminal.wait_for("You:" if plain else ">")
        terminal.type("a\udce5b" + ENTER)
        # readline drops them itself
        terminal.wait_for("heard: 'ab'" if plain else "heard: 'a\ufffdb'")


def test_typing_during_a_reply_does_not_disturb_it(start: Start) -> None:
    with start(replies=[LONG[:20]], piece_s=0.04) as terminal:
        ask(terminal, "hi")
        terminal.wait_for("一二")
        terminal.type("next")
        terminal.wait_for("> hi\n" + "".join(LONG[:20]))
        terminal.wait_until(lambda: terminal.lines[terminal.cursor[0]] == "> next", "the typed")
        time.sleep(0.1)
        terminal.type(ENTER)
        terminal.wait_for("'next'")
