import pytest
from rich.cells import cell_len

from tests.terminal.markdown.rendering import rows, styled
from xverse_chat.terminal.markdown.layout import WIDEST_TEXT


def test_blocks_are_parted_by_one_empty_line_where_the_model_left_some() -> None:
    assert rows("甲\n\n\n\n乙\n- 丙\n- 丁\n\n戊") == ["甲", "", "乙", "• 丙", "• 丁", "", "戊"]


def test_headings_and_code_have_room_around_them() -> None:
    assert rows("甲\n# 题\n乙\n```\nx\n```\n丙") == ["甲", "", "题", "乙", "", "x", "", "丙"]


def test_no_empty_line_is_first_or_last() -> None:
    assert rows("\n\n# 题\n\n\n") == ["题"]


def test_single_newlines_are_kept() -> None:
    assert rows("白日依山尽，\n黄河入海流。  \n欲穷千里目，\\\n更上一层楼。") == [
        "白日依山尽，",
        "黄河入海流。",
        "欲穷千里目，",
        "更上一层楼。",
    ]


def test_the_full_width_indent_of_a_paragraph_is_kept() -> None:
    assert rows("　　从前有座山，\n　　山里有座庙。") == ["　　从前有座山，", "　　山里有座庙。"]


def test_text_in_a_list_begins_below_the_text_and_not_below_the_marker() -> None:
    assert rows("10. 一二三四五六七\n    - 八九十一二三\n", width=16) == [
        "10. 一二三四五六",
        "    七",
        "    • 八九十一二",
        "      三",
    ]


def test_numbers_are_those_of_the_model_unless_they_do_not_count_on() -> None:
    assert rows("1. a\n1. b\n1. c") == ["1. a", "2. b", "3. c"]
    assert rows("3. a\n5. b\n5. c") == ["3. a", "5. b", "6. c"]
    assert rows("1. a\n\n甲\n\n1. b") == ["1. a", "", "甲", "", "1. b"]
    assert rows("- x\n  1) a\n  1) b") == ["• x", "  1) a", "  2) b"]


def test_an_item_may_hold_paragraphs_and_code() -> None:
    assert rows("1. 甲\n\n   乙\n   ```sh\n   ls\n   ```\n2. 丙") == [
        "1. 甲",
        "",
        "   乙",
        "   sh",
        "   ls",
        "2. 丙",
    ]


def test_tasks_are_ticked() -> None:
    assert rows("- [x] 完成\n- [ ] 未完成\n- []") == ["• [x] 完成", "• [ ] 未完成", "• []"]


def test_quotes_have_a_bar_at_each_line() -> None:
    assert rows("> 一二三四五\n>\n> - 六", width=10) == ["│ 一二三四", "│ 五", "│ ", "│ • 六"]


def test_a_rule_is_no_heading_of_the_line_before() -> None:
    assert rows("甲\n---\n乙") == ["甲", "─" * 24, "乙"]
    assert rows("---", width=10) == ["─" * 10]


def test_links_and_images_show_where_they_lead() -> None:
    assert rows("[文字](http://x/y?a=b) ![图](z.png) <https://a.b> [c](c)") == [
        "文字 <http://x/y?a=b> [图] <z.png> https://a.b c"
    ]
    assert rows("[a](javascript:alert(1)) [b](https://zh.org/你好)") == [
        "a <javascript:alert(1)> b <https://zh.org/你好>"
    ]


def test_references_are_shown_as_they_are() -> None:
    assert rows("见[甲][1]\n\n[1]: http://x") == ["见[甲][1]", "", "[1]: http://x"]


def test_html_is_text() -> None:
    assert rows("<b>x</b><br>\n\n<!-- c -->\n\n<script>\ny\n</script>") == [
        *("<b>x</b><br>", "", "<!-- c -->", "", "<script>", "y", "</script>"),
    ]


def test_entities_are_read() -> None:
    assert rows("&lt;b&gt; &amp; &copy;") == ["<b> & ©"]


@pytest.mark.parametrize(
    "text",
    [
        "$a_1*b_2*c$",
        r"\(x_1*y_2*z\) 和 \[a\]",
        "$$\na\n- b\n+ c\n$$",
        "\\[\nE = mc^2\n\\]",
        "$$x$$",
        "苹果$5，香蕉$10",
        r"\frac{a}{b}",
    ],
)
def test_formulas_are_left_as_they_are(text: str) -> None:
    assert rows(text) == text.split("\n")


def test_a_formula_that_never_ends_ends_at_the_empty_line() -> None:
    assert rows("$$\na\n\n- b") == ["$$", "a", "", "• b"]


def test_parts_look_like_what_they_are() -> None:
    assert styled("# 一\n## 二\n### 三") == [
        ("一", "bold underline"),
        ("二", "bold magenta"),
        ("三", "bold"),
    ]
    assert styled("**粗*斜***~~删~~`码`") == [
        ("粗", "bold"),
        ("斜", "bold italic"),
        ("删", "strike"),
        ("码", "cyan"),
    ]
    assert styled("# 用`码`") == [("用", "bold underline"), ("码", "bold underline cyan")]


def test_code_is_not_indented_nor_broken_nor_padded() -> None:
    line = "x = " + "1 + " * 50 + "1"
    assert rows(f"```python\n{line}\n\n\tif y:\n```", width=20) == ["python", line, "", "    if y:"]


def test_indented_code_keeps_its_spaces() -> None:
    assert rows("甲\n\n      a\n    b") == ["甲", "", "  a", "b"]


def test_where_there_is_no_room_nothing_is_indented() -> None:
    deep = "".join("  " * level + "- 甲乙丙丁\n" for level in range(8))
    assert all(cell_len(row) <= 10 for row in rows(deep, width=10))
    assert "".join(rows(deep, width=10)).count("甲") == 8
    assert "".join(rows(">" * 15 + "甲", width=10)).count("甲") == 1


def test_in_a_wide_window_text_stays_readable_and_tables_take_the_room() -> None:
    assert max(cell_len(row) for row in rows("好" * 200, width=300)) == WIDEST_TEXT
    assert max(cell_len(row) for row in rows(f"|甲|\n|-|\n|{'好' * 100}|", width=300)) == 200
