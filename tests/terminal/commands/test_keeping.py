"""The commands of saved conversations, with a real folder of them."""

from pathlib import Path

import pytest

from tests.terminal.desk import Screen


def saved(folder: Path, *questions: str) -> None:
    for question in questions:
        screen = Screen(folder=folder)
        screen.converse(question, f"answer to {question}")
        screen.desk.keeper.begin("")  # which lets the file go


def test_sessions_lists_what_was_said_and_load_opens_it_by_its_number(tmp_path: Path) -> None:
    saved(tmp_path, "天气怎么样", "second")
    screen = Screen(folder=tmp_path)
    screen.type("/sessions")
    shown = screen.text
    assert "1: second · 20" in shown
    assert "2: 天气怎么样 · 20" in shown
    assert "· 1 question" in shown
    screen.type("/load 2")
    assert "Going on with “天气怎么样”" in screen.text
    assert [message.content for message in screen.desk.session.messages] == [
        "天气怎么样",
        "answer to 天气怎么样",
    ]
    screen.type("/sessions")
    assert "open now" in screen.text


def test_load_finds_a_name_by_its_beginning(tmp_path: Path) -> None:
    saved(tmp_path, "travel plans", "cooking")
    screen = Screen(folder=tmp_path)
    screen.type("/load trav")
    assert "Going on with “travel plans”" in screen.text


@pytest.mark.parametrize("line", ["/load", "/load 7", "/load nothing like it"])
def test_load_of_nothing_keeps_the_conversation(line: str, tmp_path: Path) -> None:
    saved(tmp_path, "one")
    screen = Screen(folder=tmp_path)
    screen.converse("here", "yes")
    screen.type(line)
    assert screen.text.startswith("Error: ")
    assert screen.desk.session.questions == ("here",)


def test_save_names_a_conversation_for_later(tmp_path: Path) -> None:
    screen = Screen(folder=tmp_path)
    screen.converse("hi", "hello")
    screen.type("/save 旅行 计划")
    assert "Saved as “旅行 计划”." in screen.text
    other = Screen(folder=tmp_path)
    other.type("/load 旅行")
    assert "Going on with “旅行 计划”" in other.text


def test_save_says_where_nothing_can_be_saved(tmp_path: Path) -> None:
    screen = Screen("zh", folder=tmp_path, saves=False)
    screen.converse("hi", "hello")
    screen.type("/save x")
    assert "因为 --no-save，这段对话不保存。" in screen.text
    assert not list(tmp_path.iterdir())


def test_find_shows_the_place_and_load_opens_it(tmp_path: Path) -> None:
    saved(tmp_path, "苹果和梨", "香蕉")
    screen = Screen(folder=tmp_path)
    screen.type("/find 梨")
    shown = screen.text
    assert "1  苹果和梨\n" in shown
    assert "You: 苹果和梨\n" in shown
    assert "Model: answer to 苹果和梨\n" in shown
    assert "香蕉" not in shown
    screen.type("/load 1")
    assert screen.desk.session.questions == ("苹果和梨",)


def test_find_of_what_is_nowhere_says_so(tmp_path: Path) -> None:
    saved(tmp_path, "one")
    screen = Screen(folder=tmp_path)
    screen.type("/find 西瓜")
    assert screen.text == "“西瓜” is in no saved conversation.\n"


def test_a_hostile_title_is_inert_in_the_list(tmp_path: Path) -> None:
    saved(tmp_path, "\x1b]0;title\x07\x1b[2Jhello")
    screen = Screen(folder=tmp_path)
    for line in ("/sessions", "/find hello", "/load 1"):
        screen.type(line)
        assert "\x1b" not in screen.text


def test_many_conversations_are_listed_in_part_and_all_on_request(tmp_path: Path) -> None:
    saved(tmp_path, *(f"question {number}" for number in range(23)))
    screen = Screen(folder=tmp_path)
    screen.type("/sessions")
    shown = screen.text
    assert "20: question 3 ·" in shown
    assert "question 2 ·" not in shown
    assert "3 older ones are left out" in shown
    screen.type("/sessions 23")
    assert "23: question 0 ·" in screen.text


def test_new_begins_another_and_keeps_the_system_text(tmp_path: Path) -> None:
    screen = Screen(folder=tmp_path)
    screen.desk.session.set_system("be kind")
    screen.converse("hi", "hello")
    screen.type("/new")
    assert [message.content for message in screen.desk.session.messages] == ["be kind"]
    screen.type("/load hi")
    assert screen.desk.session.questions == ("hi",)


@pytest.mark.parametrize("line", ["/sessions", "/load x", "/find x", "/save x"])
def test_without_a_folder_there_are_no_conversations(line: str) -> None:
    screen = Screen()
    screen.type(line)
    assert screen.text == "Error: No conversations are kept here.\n"
