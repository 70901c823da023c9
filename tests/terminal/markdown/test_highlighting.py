import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.terminal.markdown.rendering import plain
from xverse_chat.terminal.markdown.highlighting import (
    LANGUAGES,
    LONGEST_LINE,
    MOST_CHARACTERS,
    highlight,
)
from xverse_chat.terminal.markdown.styles import CODE


def test_keywords_strings_and_comments_are_told_apart() -> None:
    line = highlight(["return '好'  # 注"], "Python")[0]
    assert {run.text: str(run.style) for run in line if run.text.strip()} == {
        "return": "magenta",
        "'好'": "green",
        "# 注": "dim italic",
    }


@pytest.mark.parametrize("language", ["", "nonsense", "brainfuck", "\x1b]0;x\x07"])
def test_code_in_an_unknown_language_has_one_colour(language: str) -> None:
    assert [[run.style for run in line] for line in highlight(["a", "", "b"], language)] == [
        *([CODE], [], [CODE]),
    ]


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_every_language_is_known_and_gives_back_its_lines(language: str) -> None:
    lines = ["", "if (x) { /* 注释 */", '  print("你好", 1.5)', "", "# end", "}", ""]
    assert [plain(line) for line in highlight(lines, language)] == lines
    assert any(run.style != CODE for line in highlight(lines, language) for run in line)


@given(
    st.lists(st.text(st.characters(exclude_categories=["Cc", "Cs"]))),
    st.sampled_from(["py", "c", "md", "html", "yaml", "sh"]),
)
def test_whatever_the_code_is_its_lines_are_kept(lines: list[str], language: str) -> None:
    assert [plain(line) for line in highlight(lines, language)] == lines


def test_what_nobody_would_write_is_not_coloured() -> None:
    for lines in (["x" * (LONGEST_LINE + 1)], ["x = 1"] * MOST_CHARACTERS):
        assert all(run.style == CODE for line in highlight(lines, "python") for run in line)


def test_tabs_become_spaces() -> None:
    assert plain(highlight(["\tif x:\ty"], "python")[0]) == "    if x:   y"
