"""Writing messages as a user does it: a real program in a real pseudo-terminal."""

import os
import threading
import time
from pathlib import Path

import pytest

from tests.pseudo_terminal import (
    BACKSPACE,
    CTRL_C,
    CTRL_D,
    ENTER,
    LEFT,
    UP,
    PseudoTerminal,
    pasted,
)
from tests.terminal.conversation import Start, ask, starter, wait_for_prompt

CTRL_R, CTRL_X_CTRL_E, RIGHT, DELETE = "\x12", "\x18\x05", "\x1b[C", "\x1b[3~"
FAMILY, FLAG = "👩‍👩‍👧", "🇨🇳"


@pytest.fixture
def start(tmp_path: Path) -> Start:
    return starter(tmp_path)


def line(terminal: PseudoTerminal) -> str:
    """Return the row that the cursor is in, up to the cursor."""
    row, column = terminal.cursor
    return "".join(cell.data for cell in terminal.cells[row][:column])


def wait_for_line(terminal: PseudoTerminal, wanted: str) -> None:
    terminal.wait_until(lambda: line(terminal) == wanted, f"the cursor behind {wanted!r}")


@pytest.mark.parametrize(
    ("typed", "before_cursor", "sent"),
    [
        ("你好👍" + LEFT * 2 + "们", "> 你们", "你们好👍"),
        (f"a{FAMILY}b" + LEFT + BACKSPACE, "> a", "ab"),
        (f"a{FAMILY}b" + LEFT * 2, "> a", f"a{FAMILY}b"),
        (f"{FLAG}好" + LEFT + "x", "> CNx", f"{FLAG}x好"),
        (f"{FLAG}{FAMILY}" + LEFT * 2 + DELETE, "> ", FAMILY),
        ("👍🏽ok" + LEFT * 2 + "！", "> 👍！", "👍🏽！ok"),
        ("❤️" + LEFT + RIGHT + "x", "> ❤x", "❤️x"),
        (pasted(f"前{FAMILY}后") + LEFT + "中", "> 前👩👩👧中", f"前{FAMILY}中后"),
    ],
)
def test_the_cursor_stands_where_the_next_character_goes(
    start: Start, typed: str, before_cursor: str, sent: str
) -> None:
    with start() as terminal:
        wait_for_prompt(terminal)
        terminal.type(typed)
        wait_for_line(terminal, before_cursor)
        terminal.type(ENTER)
        said = f"heard: {sent!r}".encode()
        terminal.wait_until(lambda: said in terminal.raw, said.decode())


def test_wide_characters_wrap_and_are_edited_across_the_edge(start: Start) -> None:
    with start(columns=20) as terminal:
        wait_for_prompt(terminal)
        terminal.type("a一二三四五六七八九👍🏽十")
        terminal.wait_for("> a一二三四五六七八\n  九👍十")
        wait_for_line(terminal, "  九👍十")
        terminal.type(LEFT * 3 + BACKSPACE)
        terminal.wait_for("> a一二三四五六七九\n  👍十")
        wait_for_line(terminal, "> a一二三四五六七")
        terminal.type("零零")
        terminal.wait_for("> a一二三四五六七零\n  零九👍十")
        wait_for_line(terminal, "  零")


@pytest.mark.parametrize("plain", [False, True])
def test_what_was_typed_is_there_in_the_next_run(start: Start, plain: bool, tmp_path: Path) -> None:
    history = str(tmp_path / "history")
    with start(history=history, plain=plain) as terminal:
        terminal.wait_for("You:" if plain else "\n>")
        terminal.type("昨天的问题" + ENTER)
        terminal.wait_for("heard: '昨天的问题'")
        terminal.wait_until(lambda: line(terminal) in ("> ", "You: "), "a prompt")
        terminal.type(CTRL_D)
        assert terminal.exit_code() == 0
    with start(history=history, plain=plain) as terminal:
        terminal.wait_until(lambda: line(terminal) in ("> ", "You: "), "a prompt")
        terminal.type(UP)
        wait_for_line(terminal, "You: 昨天的问题" if plain else "> 昨天的问题")


def test_without_a_history_nothing_is_there_in_the_next_run(start: Start) -> None:
    for _ in range(2):
        with start() as terminal:
            wait_for_prompt(terminal)
            terminal.type(UP)
            terminal.watch(0.3)
            assert line(terminal) == "> "
            terminal.type("x" + ENTER)
            terminal.wait_for("heard: 'x'")


def test_a_pasted_command_that_is_brought_back_is_no_command(start: Start) -> None:
    with start() as terminal:
        ask(terminal, pasted("/exit"))
        terminal.wait_for("heard: '/exit'")
        wait_for_prompt(terminal)
        terminal.type(UP)
        wait_for_line(terminal, "> //exit")
        terminal.type(ENTER)
        terminal.wait_for("'/exit' | \"heard: '/exit'\" | '/exit'")


@pytest.mark.parametrize(("language", "label"), [("en", "Search backward:"), ("zh", "向前搜索：")])
def test_control_r_finds_an_earlier_message(start: Start, language: str, label: str) -> None:
    with start(language=language) as terminal:
        for question in ("天气怎么样", "旅行计划", "天气预报"):
            ask(terminal, question)
            terminal.wait_for(f"| '{question}'" if question != "天气怎么样" else "heard")
        wait_for_prompt(terminal)
        terminal.type(CTRL_R)
        terminal.wait_for(label)
        terminal.type("天气")
        terminal.wait_for("\n> 天气预报\n")
        terminal.type(CTRL_R)
        terminal.wait_until(lambda: terminal.lines.count("> 天气怎么样") == 2, "the one before")
        terminal.type(ENTER)
        terminal.wait_until(lambda: label not in terminal.text, "the end of the search")
        terminal.type(ENTER)
        terminal.wait_for("| '天气怎么样'")


def test_control_c_gives_a_search_up_and_keeps_the_program(start: Start) -> None:
    with start() as terminal:
        ask(terminal, "first")
        terminal.wait_for("heard")
        wait_for_prompt(terminal)
        terminal.type("kept" + CTRL_R)
        terminal.wait_for("Search backward:")
        terminal.type("fir" + CTRL_C)
        terminal.wait_until(lambda: "Search" not in terminal.text, "the end of the search")
        wait_for_line(terminal, "> kept")


def with_editor(tmp_path: Path, body: str) -> None:
    path = tmp_path / "editor"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    os.environ["EDITOR"] = str(path)


@pytest.fixture
def _environment() -> object:
    before = {name: os.environ.pop(name, None) for name in ("EDITOR", "VISUAL")}
    yield
    for name, value in before.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value


@pytest.mark.usefixtures("_environment")
def test_the_own_editor_writes_the_message(start: Start, tmp_path: Path) -> None:
    with_editor(tmp_path, 'printf "%s第二行\\n" "$(cat "$1")\n" > "$1"')
    with start() as terminal:
        wait_for_prompt(terminal)
        terminal.type("第一行" + CTRL_X_CTRL_E)
        terminal.wait_for("> 第一行\n  第二行")
        terminal.type(ENTER)
        terminal.wait_for(r"heard: '第一行\n第二行'")


@pytest.mark.usefixtures("_environment")
@pytest.mark.parametrize(
    ("language", "told"),
    [("en", "ended with code 3; the text is as it was before."), ("zh", "以代码 3 结束")],
)
def test_an_editor_that_fails_leaves_the_text_and_says_so(
    start: Start, tmp_path: Path, language: str, told: str
) -> None:
    with_editor(tmp_path, 'echo lost > "$1"; exit 3')
    with start(language=language) as terminal:
        wait_for_prompt(terminal)
        terminal.type("kept" + CTRL_X_CTRL_E)
        terminal.wait_for(told)
        wait_for_line(terminal, "> kept")
        terminal.type("!" + ENTER)
        terminal.wait_for("heard: 'kept!'")


@pytest.mark.usefixtures("_environment")
def test_control_c_in_the_editor_is_the_editors_own(start: Start, tmp_path: Path) -> None:
    with_editor(tmp_path, "trap 'echo caught > \"$1\"; exit 0' INT\necho ready; sleep 20 & wait")
    with start() as terminal:
        wait_for_prompt(terminal)
        terminal.type("before" + CTRL_X_CTRL_E)
        terminal.wait_for("ready")
        terminal.type(CTRL_C)
        terminal.wait_until(lambda: line(terminal) == "> caught", "what the editor wrote")


def feed(terminal: PseudoTerminal, text: str) -> None:
    """Type more than a terminal holds: somebody has to read meanwhile.

    The terminal must not be asked for its cursor then: the answer would come amid the text.
    """
    terminal.wait_for("context 0 / ")
    typing = threading.Thread(target=terminal.type_all, args=(text,))
    typing.start()
    while typing.is_alive():
        terminal.watch(0.02)


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        ("\n".join(f"第 {number} 行" for number in range(10_000)), "10000 lines · 129 kB⟧"),
        ("x" * 1_000_000, "xxx… · 1.0 MB⟧"),
        ("好" * 333_333, "好… · 1.0 MB⟧"),
    ],
    ids=["10,000 lines", "1 MB", "1 MB of Chinese"],
)
def test_a_huge_paste_is_there_within_two_seconds_and_stays_one_message(
    start: Start, text: str, mark: str
) -> None:
    with start(replies=[["ok"]], context_tokens=2**22) as terminal:
        wait_for_prompt(terminal)
        terminal.wait_for("context 0 / ")
        began = time.monotonic()
        feed(terminal, pasted(text) + " and?")
        terminal.wait_for(mark + " and?")
        terminal.type(ENTER)
        terminal.wait_for("\nok\n")
        assert time.monotonic() - began < 2
        wait_for_prompt(terminal)
        terminal.type(UP)
        terminal.wait_until(lambda: terminal.text.count(mark + " and?") == 2, "it again")


def test_a_folded_paste_is_deleted_by_one_key(start: Start) -> None:
    with start() as terminal:
        wait_for_prompt(terminal)
        terminal.type("a" + pasted("word " * 700))
        terminal.wait_for("3.5 kB⟧")
        terminal.type(BACKSPACE + "b")
        wait_for_line(terminal, "> ab")
        terminal.type(ENTER)
        terminal.wait_for("heard: 'ab'")


def test_what_is_too_large_is_refused_with_figures(start: Start) -> None:
    with start() as terminal:
        wait_for_prompt(terminal)
        terminal.type("kept")
        feed(terminal, pasted("x" * 1_100_000))
        terminal.wait_for("The paste makes 1.1 MB; a message holds 1.0 MB. Nothing was inserted.")
        wait_for_line(terminal, "> kept")


def test_the_foot_shows_the_context_and_the_speed_of_the_last_reply(start: Start) -> None:
    with start(replies=[["Hello."]]) as terminal:
        wait_for_prompt(terminal)
        terminal.wait_until(
            lambda: terminal.lines[-1] == "demo · float32 · context 0 / 2k", "the foot"
        )
        ask(terminal, "question")
        terminal.wait_until(
            lambda: terminal.lines[-1] == "demo · float32 · context 14 / 2k · 42 tok/s", "the foot"
        )
        terminal.resize(24, 24)
        terminal.wait_until(lambda: terminal.lines[-1] == "demo · context 14 / 2k", "a short foot")
        assert terminal.text.count("context 14") == 1


def test_the_foot_leaves_no_trace_in_the_scrollback(start: Start) -> None:
    with start(language="zh", replies=[["好"]] * 6) as terminal:
        for question in "一二三四五六":
            ask(terminal, question)
            terminal.wait_for(f"> {question}\n好\n")
        wait_for_prompt(terminal)
        terminal.wait_for("上下文")
        assert terminal.everything.count("上下文") == 1


def test_statistics_can_be_switched_off_and_on(start: Start) -> None:
    with start(replies=[["a"], ["b"], ["c"]]) as terminal:
        ask(terminal, "one")
        terminal.wait_for("1 token ·")
        ask(terminal, "/set stats off")
        terminal.wait_for("stats = off")
        ask(terminal, "two")
        terminal.wait_for("> two\nb\n\n>")
        assert terminal.text.count("1 token ·") == 1
