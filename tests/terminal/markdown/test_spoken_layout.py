import pytest
from hypothesis import given

from tests.terminal.markdown.rendering import TEXTS, committed, plain
from xverse_chat.terminal.markdown.spoken_layout import SpokenLayout
from xverse_chat.terminal.texts import Texts
from xverse_chat.terminal.texts_chinese import CHINESE
from xverse_chat.terminal.texts_english import ENGLISH


def said(text: str, texts: Texts = ENGLISH) -> list[str]:
    layout = SpokenLayout(texts)
    return [plain(line) for block in committed([text]) for line in layout.lines(block)]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("# One\n\ntwo **three**", ["Heading: One", "two three"]),
        ("> one\n> two\n\nthree", ["Quote: one", "two", "three"]),
        ("one\n\n---\n\ntwo", ["one", "two"]),
        ("```py\na\n\nb\n```\nc", ["Code in py:", "a", "b", "End of code.", "c"]),
        ("```\na\n```", ["Code:", "a", "End of code."]),
        ("1. one\n2. two", ["1. one", "2. two"]),
        ("[a](http://b)", ["a <http://b>"]),
    ],
)
def test_what_a_form_means_is_said(text: str, lines: list[str]) -> None:
    assert said(text) == lines


def test_a_table_is_read_row_by_row_with_its_headings() -> None:
    table = "| 名称 | 数 |\n|---|---|\n| 甲 | 1 |\n| 乙 | 2 |"
    assert said(table, CHINESE) == ["表格，2 列，2 行：", "名称: 甲; 数: 1", "名称: 乙; 数: 2"]


def test_no_line_is_broken() -> None:
    assert said("好" * 5000) == ["好" * 5000]


def test_code_in_sections_is_announced_once() -> None:
    section = "def f():\n" + "    pass\n" * 12 + "\n"
    lines = said(f"```py\n{section * 3}```")
    assert lines.count("Code in py:") == lines.count("End of code.") == 1


@given(TEXTS)
def test_no_text_is_refused_and_no_line_is_empty(text: str) -> None:
    assert all(said(text))
