"""A conversation that outgrows the context, in a terminal: a token is a character here."""

import signal
from pathlib import Path
from typing import Any

import pytest

from tests.pseudo_terminal import CTRL_C, ENTER, PseudoTerminal
from tests.terminal.conversation import Start, ask, starter
from xverse_chat.chat.store import Store

# Of 1000 tokens 750 are for the prompt, 450 once something was dropped.
LONG = "字" * 200


@pytest.fixture
def start(tmp_path: Path) -> Start:
    return starter(tmp_path)


def fill(terminal: PseudoTerminal) -> None:
    """Ask three long questions, so that a fourth has no room."""
    for number in "一二三":
        ask(terminal, f"第{number}问" + LONG)
        terminal.wait_for(f"答{number}\n")


def words(terminal: PseudoTerminal) -> str:
    """Return what is on the screen, wherever its lines are broken."""
    return "".join(terminal.text.split())


def script(*more: list[str], language: str = "zh") -> dict[str, Any]:
    replies = [["答一"], ["答二"], ["答三"], *more]
    return {"context_tokens": 1000, "language": language, "replies": replies}


def test_the_user_is_told_what_goes_before_it_goes_and_asked_once(start: Start) -> None:
    with start(**script()) as terminal:
        fill(terminal)
        ask(terminal, "第四问" + LONG)
        terminal.wait_for("请选择 [1]")
        told = words(terminal)
        assert "共有818个token" in told
        assert "第1到第2轮（从“第一问字字字字字字字字…”到“第二问字字字字字字字字…”）" in told
        assert "heard" not in told
        terminal.type(ENTER)
        terminal.wait_for("heard: '第三问")
        assert "从现在起模型不再读到第1到第2轮" in words(terminal)
        ask(terminal, "第五问" + LONG)
        terminal.wait_until(lambda: "不再读到第3到第4轮" in words(terminal), "the next round")
        assert "请选择" not in words(terminal).partition("第五问")[2]


def test_the_model_sums_up_what_goes(start: Start) -> None:
    with start(**script(["谈了三个", "问题。"])) as terminal:
        fill(terminal)
        ask(terminal, "第四问" + LONG)
        terminal.wait_for("请选择 [1]")
        terminal.type("2" + ENTER)
        terminal.wait_for("模型改读 2 个 token 的摘要")
        terminal.wait_for("谈了三个问题。\nheard: '【前文摘要】")
        assert "'第三问" in terminal.text


def test_refusing_sends_nothing_and_gives_the_message_back(start: Start) -> None:
    with start(**script(language="en")) as terminal:
        fill(terminal)
        ask(terminal, "no room" + LONG)
        terminal.wait_for("Your choice [1]")
        terminal.type("7" + ENTER)
        terminal.wait_for("Please type a number from 1 to 3.")
        terminal.type("3" + ENTER)
        terminal.wait_for("Error: With this message the conversation has")
        terminal.wait_for("new conversation.\n\n> no room字字")
        terminal.type(CTRL_C)
        ask(terminal, "short")
        terminal.wait_for("heard: '第一问")


def test_the_choice_can_be_put_off(start: Start) -> None:
    with start(**script()) as terminal:
        fill(terminal)
        ask(terminal, "第四问" + LONG)
        terminal.wait_for("请选择 [1]")
        terminal.type(CTRL_C)
        terminal.wait_for("没有发送，消息已放回输入行。\n\n> 第四问")
        terminal.type(ENTER)  # and is then asked again
        terminal.wait_until(lambda: terminal.text.count("请选择") >= 2, "the question again")


def test_a_message_that_can_never_fit_is_refused_with_figures(start: Start) -> None:
    with start(context_tokens=300, language="zh") as terminal:
        ask(terminal, "字" * 226)
        terminal.wait_for("这条消息有 226 个 token；模型的上下文是 300 个 token")
        terminal.wait_for("> 字字")
        assert "heard" not in terminal.text


def test_a_message_waits_for_the_choice_in_the_file(start: Start, tmp_path: Path) -> None:
    folder = tmp_path / "conversations"
    with start(**script(), folder=str(folder)) as terminal:
        fill(terminal)
        ask(terminal, "第四问" + LONG)
        terminal.wait_for("请选择 [1]")
        terminal.signal(signal.SIGKILL)
    (identity,) = Store(folder).identities()
    assert Store(folder).read(identity).unanswered == "第四问" + LONG


def test_a_message_that_is_refused_is_not_saved(start: Start, tmp_path: Path) -> None:
    folder = tmp_path / "conversations"
    with start(context_tokens=300, language="zh", folder=str(folder)) as terminal:
        ask(terminal, "好")
        terminal.wait_for("heard: '好'")
        ask(terminal, "字" * 226)
        terminal.wait_until(lambda: "个。请把文字分几次发送" in words(terminal), "a refusal")
        terminal.wait_until(lambda: words(terminal).count(">字") == 2, "the message again")
    (identity,) = Store(folder).identities()
    assert "字" not in Store(folder).content(identity).decode()
