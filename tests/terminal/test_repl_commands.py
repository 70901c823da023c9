"""Every command in a real program, in a real pseudo-terminal, in both languages."""

import base64
from pathlib import Path

import pytest

from tests.pseudo_terminal import CTRL_C, ENTER, TAB, PseudoTerminal, pasted
from tests.terminal.conversation import LONG, Start, ask, starter, wait_for_prompt

LANGUAGES = pytest.mark.parametrize("language", ["en", "zh"])


@pytest.fixture
def start(tmp_path: Path) -> Start:
    return starter(tmp_path)


def wait_for_draft(terminal: PseudoTerminal, draft: str) -> None:
    terminal.wait_until(lambda: terminal.lines[terminal.cursor[0]] == f"> {draft}", draft)


def told(language: str, english: str, chinese: str) -> str:
    return chinese if language == "zh" else english


@LANGUAGES
def test_retry_answers_anew_and_returns_to_the_earlier_answer(start: Start, language: str) -> None:
    with start(language=language, replies=[["one"], ["two"]]) as terminal:
        ask(terminal, "q")
        terminal.wait_for("\none\n")
        ask(terminal, "/retry")
        terminal.wait_for("\ntwo\n")
        terminal.wait_for(told(language, "Answer 2 of 2.", "第 2 个回答，共 2 个。"))
        ask(terminal, "/retry 1")
        terminal.wait_for(told(language, "Model: one", "模型：one"))
        ask(terminal, "and?")
        terminal.wait_for("heard: 'q' | 'one' | 'and?'")


@LANGUAGES
def test_a_retry_that_is_stopped_before_it_said_anything_changes_nothing(
    start: Start, language: str
) -> None:
    with start(language=language, replies=[["one"], LONG], piece_s=0.7) as terminal:
        ask(terminal, "q")
        terminal.wait_for("\none\n")
        ask(terminal, "/retry")
        terminal.wait_for("> /retry\n…")
        terminal.type(CTRL_C)
        terminal.wait_for(told(language, "so everything is as it was", "尚未回答，一切照旧"))
        ask(terminal, "and?")
        terminal.wait_for("heard: 'q' | 'one' | 'and?'")


@LANGUAGES
def test_continue_goes_on_with_a_reply_that_was_stopped(start: Start, language: str) -> None:
    with start(language=language, replies=[LONG, ["完"], "echo"], piece_s=0.02) as terminal:
        ask(terminal, "q")
        terminal.wait_for("一二三四五")
        terminal.type(CTRL_C)
        terminal.wait_for(told(language, "(interrupted)", "（已中断）"))
        ask(terminal, "/continue")
        terminal.wait_for("\n完\n")
        ask(terminal, "/continue")
        terminal.wait_for(told(language, "was said to its end", "说完"))


@LANGUAGES
def test_edit_puts_a_question_into_the_line_and_goes_on_from_there(
    start: Start, language: str
) -> None:
    with start(language=language, replies=[["1"], ["2"]]) as terminal:
        for question in ("one", "two"):
            ask(terminal, question)
            terminal.wait_for(f"> {question}\n")
        ask(terminal, "/edit 1")
        terminal.wait_for(told(language, "Question 1 is in the line.", "第 1 个问题在输入行里"))
        wait_for_draft(terminal, "one")
        terminal.type("!" + ENTER)
        terminal.wait_for("heard: 'one!'\n")


def test_an_edit_that_is_cleared_changes_nothing(start: Start) -> None:
    with start(replies=[["1"]]) as terminal:
        ask(terminal, "one")
        ask(terminal, "/edit")
        terminal.wait_for("Question 1 is in the line.")
        wait_for_draft(terminal, "one")  # the first line looked the same
        terminal.type(CTRL_C + "two" + ENTER)
        terminal.wait_for("heard: 'one' | '1' | 'two'")


@LANGUAGES
def test_undo_and_redo_go_back_and_forth(start: Start, language: str) -> None:
    with start(language=language, replies=[["1"], ["2"]]) as terminal:
        ask(terminal, "one")
        ask(terminal, "two")
        ask(terminal, "/undo")
        terminal.wait_for(told(language, "Taken back, from “two” on.", "已撤回“two”及之后的内容。"))
        ask(terminal, "/redo")
        ask(terminal, "three")
        terminal.wait_for("heard: 'one' | '1' | 'two' | '2' | 'three'")
        ask(terminal, "/undo 2")
        ask(terminal, "four")
        terminal.wait_for("heard: 'one' | '1' | 'four'")


@LANGUAGES
def test_copy_sends_a_code_block_to_the_clipboard(start: Start, language: str) -> None:
    with start(language=language, replies=[["```\n", "ls\n", "```"]]) as terminal:
        ask(terminal, "q")
        ask(terminal, "/copy 1")
        terminal.wait_for(told(language, "Copied 2 characters.", "已复制 2 个字符。"))
        assert b"\x1b]52;c;" + base64.b64encode(b"ls") + b"\x07" in terminal.raw
        ask(terminal, "/copy 2")
        terminal.wait_for(told(language, "There is no code block 2", "没有第 2 个代码块"))


def test_copy_writes_no_sequence_where_nothing_is_redrawn(start: Start) -> None:
    with start(plain=True, replies=[["text"]]) as terminal:
        terminal.wait_for("You:")
        terminal.type("q" + ENTER)
        terminal.wait_for("Model: text")
        terminal.type("/copy" + ENTER)
        terminal.wait_for("Nothing can be copied here")
        assert b"\x1b" not in terminal.raw


@LANGUAGES
def test_a_conversation_is_named_left_listed_found_and_opened_again(
    start: Start, language: str, tmp_path: Path
) -> None:
    with start(language=language, folder=str(tmp_path / "kept"), replies=[["很好吃"]]) as terminal:
        ask(terminal, "苹果好吃吗")
        ask(terminal, "/save 水果")
        terminal.wait_for(told(language, "Saved as “水果”.", "已保存为“水果”。"))
        ask(terminal, "/new")
        ask(terminal, "别的")
        terminal.wait_for("heard: '别的'")
        ask(terminal, "/sessions")
        terminal.wait_for("  1  别的 · 20")
        terminal.wait_for("  2  水果 · 20")
        ask(terminal, "/find 吃")
        terminal.wait_for("\n1 水果\n")
        terminal.wait_for(told(language, "You: 苹果好吃吗", "你：苹果好吃吗"))
        ask(terminal, "/load 1")
        terminal.wait_for(told(language, "Going on with “水果”", "继续“水果”"))
        ask(terminal, "为什么")
        terminal.wait_for("heard: '苹果好吃吗' | '很好吃' | '为什么'")


@LANGUAGES
def test_export_writes_a_file(start: Start, language: str, tmp_path: Path) -> None:
    with start(columns=250, language=language, replies=[["答"]]) as terminal:
        ask(terminal, "问")
        for suffix in ("md", "json", "html"):
            ask(terminal, f"/export {tmp_path}/talk.{suffix}")
            said = told(language, "The conversation is in", "对话已写入")
            terminal.wait_for(f"{said} {tmp_path}/talk.{suffix}")
            assert "问" in (tmp_path / f"talk.{suffix}").read_text()


@LANGUAGES
def test_system_goes_before_everything(start: Start, language: str) -> None:
    with start(language=language) as terminal:
        ask(terminal, "/system")
        terminal.wait_for(told(language, "There is no system text.", "没有系统提示。"))
        ask(terminal, "/system be brief")
        terminal.wait_for(told(language, "The system text is: be brief", "系统提示是：be brief"))
        ask(terminal, "hi")
        terminal.wait_for("heard: 'be brief' | 'hi'")


@LANGUAGES
def test_settings_are_shown_changed_and_refused(start: Start, language: str) -> None:
    with start(language=language) as terminal:
        ask(terminal, "/set temperature 0.5")
        terminal.wait_for("\ntemperature = 0.5\n")
        ask(terminal, "/set top_p 7")
        terminal.wait_for(told(language, "top-p must be above 0 and at most 1", "top-p 必须大于 0"))
        ask(terminal, "/set")
        terminal.wait_for(told(language, "\nSettings\n", "\n设置\n"))
        terminal.wait_for("  temperature         0.5 ")


@LANGUAGES
def test_what_goes_on_is_told(start: Start, language: str) -> None:
    with start(language=language) as terminal:
        ask(terminal, "hi")
        ask(terminal, "/stats")
        terminal.wait_for(told(language, "The last answer", "上一个回答"))
        terminal.wait_for("42 tok/s")
        ask(terminal, "/context summarise")
        terminal.wait_for(told(language, "Context 13 / 2048 (1 %)", "上下文 13 / 2048（1 %）"))
        ask(terminal, "/model")
        terminal.wait_for(told(language, "  memory     31.4 MB", "  内存  31.4 MB"))


@LANGUAGES
def test_a_file_goes_into_the_next_message(start: Start, language: str, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("内容")
    with start(columns=250, language=language) as terminal:
        wait_for_prompt(terminal)
        terminal.type(f"/read {tmp_path}/no" + TAB)
        terminal.wait_until(lambda: "notes.txt" in terminal.text, "the file's name completed")
        terminal.type(ENTER)
        terminal.wait_for("6 B")
        ask(terminal, "sum it up")
        said = r"notes.txt=====\n内容\n\nsumitup'"  # wherever the path has the line break
        terminal.wait_until(lambda: said in "".join(terminal.text.split()), said)
        ask(terminal, "/read nothing.txt")
        terminal.wait_for(told(language, "There is no file nothing.txt.", "没有 nothing.txt"))


@LANGUAGES
def test_a_mistyped_command_is_asked_about_and_a_pasted_one_is_a_message(
    start: Start, language: str
) -> None:
    with start(language=language) as terminal:
        ask(terminal, "/retyr")
        terminal.wait_for(told(language, "Did you mean /retry?", "你是想输入 /retry 吗？"))
        ask(terminal, pasted("/retry"))
        terminal.wait_for("heard: '/retry'")
        ask(terminal, "//retry")
        terminal.wait_for("| '/retry'\n")


def test_an_argument_is_offered_and_completed(start: Start) -> None:
    with start(language="zh") as terminal:
        wait_for_prompt(terminal)
        terminal.type("/context ")
        terminal.wait_for("summarise  先让模型把它们写成摘要")
        terminal.type("s" + TAB)
        wait_for_draft(terminal, "/context summarise")


def test_a_question_of_two_lines_is_edited_where_nothing_is_redrawn(start: Start) -> None:
    with start(plain=True, replies=[["1"]]) as terminal:
        terminal.wait_for("You:")
        terminal.type("one\ntwo\n")
        terminal.wait_for("Model: 1")
        terminal.wait_until(lambda: terminal.lines[terminal.cursor[0]] == "You:", "a prompt")
        terminal.type("/edit" + ENTER)
        terminal.wait_for("Question 1 is in the line.")
        terminal.wait_until(lambda: terminal.text.endswith("two"), "the question")
        terminal.type("!" + ENTER)
        terminal.wait_for(r"heard: 'one\ntwo!'")
