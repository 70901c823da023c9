import io

import pytest
from rich.cells import cell_len

from xverse_chat.terminal.help_page import NAME_COLUMNS, Section, print_help_page, wrap

CHINESE = "在哪里计算。默认：auto（有 GPU 时用它），否则用 CPU；也可以写 cuda:1。" * 2


@pytest.mark.parametrize("columns", range(8, 60, 3))
@pytest.mark.parametrize("text", [CHINESE, "Where to compute. Default: auto, on a GPU if any."])
def test_lines_are_no_wider_than_asked_and_lose_nothing(text: str, columns: int) -> None:
    lines = wrap(text, columns)
    longest_word = 10  # "cuda:1。" and "compute." with what must stay with them
    assert all(cell_len(line) <= max(columns, longest_word) for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize("columns", range(8, 60))
def test_no_line_begins_with_closing_punctuation(columns: int) -> None:
    assert all(line[:1] not in "，。；：）、" for line in wrap(CHINESE, columns))


def test_chinese_is_broken_between_characters_and_words_are_not() -> None:
    assert wrap("在哪里计算 auto", 8) == ["在哪里计", "算 auto"]
    assert wrap("with auto", 6) == ["with", "auto"]


def test_the_page_is_plain_lines_in_two_columns() -> None:
    file = io.StringIO()
    rows = [("--a X", "an option"), ("--quite-a-long-name TEXT|OTHER", "another")]
    print_help_page("Usage: x", ["It does things."], [Section("Options", rows)], file=file)
    assert file.getvalue().splitlines() == [
        "Usage: x",
        "",
        "It does things.",
        "",
        "Options",
        "  --a X".ljust(NAME_COLUMNS) + "an option",
        "  --quite-a-long-name TEXT|OTHER",
        " " * NAME_COLUMNS + "another",
    ]
