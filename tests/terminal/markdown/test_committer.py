from unittest.mock import patch

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.terminal.markdown.rendering import TEXTS, committed, cut, laid_out, rows
from xverse_chat.terminal.markdown.blocks import Block, Code, split
from xverse_chat.terminal.markdown.committer import LONGEST_BLOCK, Committer
from xverse_chat.terminal.markdown.parser import parse


def whole(text: str) -> list[Block | Code]:
    """Return the blocks of a text that is parsed once, as a whole."""
    text += "" if text.endswith("\n") else "\n"
    blocks: list[Block | Code] = []
    for block in split(parse(text), None):
        if block.kind == "fence":
            token = block.tokens[0]
            lines = tuple(token.content.removesuffix("\n").split("\n")) if token.content else ()
            blocks.append(Code(lines, token.info.strip(), True, True, block.has_gap))
        else:
            blocks.append(block)
    return blocks


@settings(max_examples=400)
@given(TEXTS, st.lists(st.integers(0, 300), max_size=30))
@example("段落\n#标签", [4, 5])
@example("1. a\n\n2", [6, 7])
@example("- a\n\n\n- b\n\n  c\n\nd", [4, 5, 9])
@example("```\na\n``\n```\nb", [1, 2, 3, 7])
def test_what_is_printed_does_not_depend_on_the_cuts(text: str, places: list[int]) -> None:
    assert laid_out(committed(cut(text, places))) == laid_out(committed([text]))


@settings(max_examples=400)
@given(TEXTS)
def test_what_is_printed_is_what_parsing_the_whole_text_gives(text: str) -> None:
    assert laid_out(committed(list(text))) == laid_out(whole(text))


@settings(max_examples=200)
@example("\n" + " " * 29, [])
@example(" " * 40 + "\n" * 40 + "好", [31, 35])
@given(TEXTS, st.lists(st.integers(0, 300), max_size=30))
def test_nor_does_it_where_blocks_are_too_long(text: str, places: list[int]) -> None:
    with patch("xverse_chat.terminal.markdown.committer.LONGEST_BLOCK", 30):
        assert laid_out(committed(cut(text, places))) == laid_out(committed([text]))


@settings(max_examples=200)
@given(TEXTS)
def test_no_character_of_chinese_is_lost(text: str) -> None:
    shown = "".join(rows(text))
    assert [each for each in shown if each in "中文好甲乙"] == [
        c for c in text if c in "中文好甲乙"
    ]


def open_rows(text: str) -> list[str]:
    """Return what is shown of blocks that are not at their end."""
    committer = Committer()
    committer.add(text)
    committer.finished()
    return ["".join(run.text for run in line) for line in laid_out(committer.rest())]


def test_a_line_that_may_become_markup_is_not_shown_before_that_is_clear() -> None:
    for part in ("#", "## ", "-", "- ", "``", "```py", "|", "|--", "> ", "***", "  ~"):
        assert open_rows(part) == [], part
    for text in ("# 标", "- 甲", "| 甲", "> 甲", "1", "1.", "$", "："):
        assert open_rows(text) != [], text


def test_emphasis_that_is_open_shows_no_markers() -> None:
    assert open_rows("这是**重点") == ["这是重点"]
    assert open_rows("这是**重点*") == ["这是重点"]
    assert open_rows("这是**") == ["这是"]
    assert open_rows("运行 `pip inst") == ["运行 pip inst"]
    assert open_rows("运行 `a ** b` 和**重") == ["运行 a ** b 和重"]
    assert open_rows("2 * 3") == ["2 * 3"]


def test_the_line_that_may_close_code_is_not_shown_as_code() -> None:
    assert open_rows("```py\na = 1\n``") == ["py", "a = 1"]
    assert open_rows("```py\na = 1\n`x") == ["py", "a = 1", "`x"]


def test_a_finished_item_of_a_list_is_printed_before_the_list_ends() -> None:
    committer = Committer()
    committer.add("1. 甲\n2. 乙\n   - 丙\n3. 丁")
    assert len(committer.finished()) == 1
    committer.add("\n")
    assert len(committer.finished()) == 1
    assert len(committer.end()) == 1


def test_a_paragraph_is_printed_when_the_empty_line_after_it_has_come() -> None:
    committer = Committer()
    committer.add("甲\n")
    assert committer.finished() == []
    committer.add("\n")
    assert len(committer.finished()) == 1
    assert committer.rest() == []


def test_what_is_open_never_grows_beyond_the_longest_block() -> None:
    committer = Committer()
    for _ in range(40):
        committer.add("好" * 1000)
        committer.finished()
    assert sum(len("".join(r.text for r in row)) for row in laid_out(committer.rest())) <= (
        LONGEST_BLOCK
    )
