from rich.cells import cell_len

from tests.terminal.markdown.rendering import rows, styled

TABLE = """\
| 语言 | 类型 | 年份 |
|:-----|:----:|-----:|
| Python | 动态 | 1991 |
| C | 静态 | 72 |
"""


def test_wide_characters_are_aligned() -> None:
    assert rows(TABLE) == [
        "语言    类型  年份",
        "──────  ────  ────",
        "Python  动态  1991",
        "C       静态    72",
    ]


def test_headings_are_bold_and_cells_keep_their_styles() -> None:
    assert [run for run in styled("| a |\n|---|\n| **b** `c` |") if run[0].strip()] == [
        ("a", "bold"),
        ("───", "dim"),
        ("b", "bold"),
        ("c", "cyan"),
    ]


def test_columns_that_are_too_wide_share_the_room() -> None:
    lines = rows("| 序 | 说明 |\n|---|---|\n| 1 | 这是一段很长的说明文字，需要换行。 |", width=20)
    assert lines == [
        "序  说明",
        "──  ────────────────",
        "1   这是一段很长的说",
        "    明文字，需要换",
        "    行。",
    ]


def test_rows_of_more_than_one_line_are_kept_apart() -> None:
    table = "| a | b |\n|---|---|\n| 1 | 一二三四五六七八九十 |\n| 2 | 短 |"
    assert rows(table, width=15)[2:] == ["1  一二三四五六", "   七八九十", "", "2  短"]


def test_a_table_without_room_becomes_records() -> None:
    head = "| 名称 | 说明 | 备注 |\n|---|---|---|\n"
    assert rows(f"{head}| 甲乙丙丁戊 | 一二三四五六七 | x |\n| 己 | 二 | y |", width=18) == [
        "名称: 甲乙丙丁戊",
        "说明: 一二三四五",
        "  六七",
        "备注: x",
        "",
        "名称: 己",
        "说明: 二",
        "备注: y",
    ]


def test_no_line_of_a_table_is_longer_than_the_width() -> None:
    for width in range(4, 60):
        assert all(cell_len(line) <= width for line in rows(TABLE * 2, width=width))


def test_no_cell_is_lost() -> None:
    assert rows("| a | b |\n|---|---|\n| 1 | 2 | 3 | 4 |\n| 5 |")[2:] == ["1  2 | 3 | 4", "5"]


def test_a_bar_in_code_parts_no_cells_where_there_would_be_too_many() -> None:
    assert rows("| 码 | 义 |\n|---|---|\n| `a||b` | 或 |\n| c \\| d | 管 |")[2:] == [
        "a||b   或",
        "c | d  管",
    ]


def test_a_cell_may_have_lines_of_its_own() -> None:
    assert rows("| a | b |\n|---|---|\n| 1<br>2 | 3 |")[2:] == ["1  3", "2"]


def test_a_table_of_headings_alone_is_one() -> None:
    assert rows("| a | b |\n|---|---|") == ["a  b", "─  ─"]
    assert rows("| 标题一 | 标题二 |\n|---|---|", width=12) == ["标题一: ", "标题二: "]


def test_an_alignment_does_not_make_blanks_at_the_end() -> None:
    assert all(line == line.rstrip() for line in rows("| a | b |\n|:-:|---|\n| 1 | |\n| | 2 |"))
