import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

from tests.terminal.markdown.rendering import plain
from xverse_chat.terminal.markdown.breaking import NEVER_FIRST, NEVER_LAST, break_line, fold_line

IDEOGRAPHS = st.sampled_from("大语言模型生成文本依赖关系你好かナ한")
WORDS = st.sampled_from(["a", "GPT", "model", "x_1", "don’t", "3.14", "e.g.", "C++", "f(x)"])
# What must stay on one line: an opening mark, a character or word, closing marks.
UNITS = st.tuples(
    st.text(st.sampled_from("（《“「【"), max_size=1),
    IDEOGRAPHS | WORDS,
    st.text(st.sampled_from("，。、；：？！）》”」】…"), max_size=2),
).map("".join)


def joined(units: list[str]) -> str:
    """Return a text in which no two words are one, which might be longer than a line."""
    text = ""
    for unit in units:
        is_word_after_word = text[-1:].isascii() and unit[0].isascii()
        text += f" {unit}" if text and is_word_after_word else unit
    return text


CHINESE = st.lists(UNITS | st.sampled_from([" ", "——"]), max_size=60).map(joined)
ANYTHING = st.text(
    st.sampled_from("好，。（「」“”’…—  　a-zA-Z0-9/()[].,!$%")
    | st.characters(exclude_categories=["Cc", "Cs"]),
    max_size=80,
)


def broken(text: str, width: int) -> list[str]:
    return [plain(line) for line in break_line([Segment(text)], width)]


@given(ANYTHING, st.integers(2, 40))
def test_no_line_is_longer_than_the_width(text: str, width: int) -> None:
    assert all(cell_len(line) <= width for line in broken(text, width))


@given(ANYTHING, st.integers(2, 40))
def test_nothing_is_lost_but_spaces_between_lines(text: str, width: int) -> None:
    def visible(text: str) -> str:
        return text.replace(" ", "").replace("　", "")

    assert visible("".join(broken(text, width))) == visible(text)


@settings(max_examples=300)
@given(CHINESE, st.integers(12, 60))
def test_marks_stay_with_what_they_belong_to(text: str, width: int) -> None:
    first, *others = broken(text, width)
    assert not any(line[:1] and line[0] in NEVER_FIRST for line in others)
    assert not any(line[-1:] and line[-1] in NEVER_LAST for line in [first, *others][:-1])


@given(CHINESE, st.integers(12, 60))
def test_a_line_is_broken_only_where_the_next_unit_has_no_room(text: str, width: int) -> None:
    lines = broken(text, width)
    for line in lines[:-1]:
        # The longest unit is a word of five letters, three marks of two cells, and a space.
        assert cell_len(line) > width - 14


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("你好世界", 4, ["你好", "世界"]),
        ("你好世界", 5, ["你好", "世界"]),
        ("你好，世界", 4, ["你", "好，", "世界"]),
        ("（你好）。好", 6, ["（你", "好）。", "好"]),
        ("他说“你好”", 6, ["他说", "“你好”"]),
        ("中文English混排", 10, ["中文", "English混", "排"]),
        ("hello, world", 7, ["hello,", "world"]),
        ("好,world", 6, ["好,", "world"]),
        ("don’t stop", 6, ["don’t", "stop"]),
        ("func(中文)", 6, ["func", "(中文)"]),
        ("等等……好", 5, ["等", "等……", "好"]),
        ("一——二", 4, ["一——", "二"]),
        ("第10.5章", 4, ["第", "10.5", "章"]),
        ("a" * 12, 5, ["aaaaa", "aaaaa", "aa"]),
        ("。" * 5, 4, ["。。", "。。", "。"]),
        ("　　缩进的段落", 8, ["　　缩进", "的段落"]),
        ("👩‍👩‍👧" * 3, 4, ["👩‍👩‍👧👩‍👩‍👧", "👩‍👩‍👧"]),
        ("", 4, [""]),
        ("好", 1, ["好"]),
    ],
)
def test_lines_are_broken_as_chinese_is_set(text: str, width: int, lines: list[str]) -> None:
    assert broken(text, width) == lines


def test_styles_go_with_their_characters() -> None:
    bold, italic = Style(bold=True), Style(italic=True)
    text = [Segment("一二", bold), Segment("三，四", italic), Segment("")]
    assert break_line(text, 4) == [
        [Segment("一二", bold)],
        [Segment("三，", italic)],
        [Segment("四", italic)],
    ]


def test_a_megabyte_without_a_space_is_broken_in_time() -> None:
    for text in ("好" * 350_000, "a" * 1_000_000, "（[" * 300_000, "，" * 300_000):
        assert sum(map(len, broken(text, 80))) == len(text)


def test_a_folded_line_is_broken_anywhere() -> None:
    folded = fold_line([Segment("if (好) "), Segment("return;", Style(bold=True))], 5)
    assert [plain(line) for line in folded] == ["if (", "好) r", "eturn", ";"]
