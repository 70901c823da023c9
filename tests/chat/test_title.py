import pytest
from hypothesis import given
from hypothesis import strategies as st

from xverse_chat.chat.title import make_title, shorten


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("你好", "你好"),
        ("\n\n  第一行  \n第二行", "第一行"),
        ("a\tb\x1b[2J\u2028c", "a b [2J c"),
        ("x" * 31, "x" * 29 + "…"),
        ("请帮我写一篇关于秋天的短文好吗谢谢", "请帮我写一篇关于秋天的短文好…"),
        (" \n", ""),
    ],
)
def test_a_title_is_the_first_line_as_far_as_there_is_room(text: str, title: str) -> None:
    assert make_title(text) == title


@given(st.text(st.sampled_from("a汉é́🙂 \n"), max_size=80), st.integers(1, 40))
def test_what_was_shortened_fits(text: str, columns: int) -> None:
    from rich.cells import cell_len

    line = shorten(text, columns)
    assert cell_len(line) <= columns
    assert "\n" not in line
    assert line.endswith("…") or line == " ".join(text.split())


def test_a_very_long_text_is_shortened_at_once() -> None:
    assert shorten("汉" * 1_000_000, 20) == "汉" * 9 + "…"
