import codecs
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xverse_chat.chat.decoding import GB18030, UTF8, UTF16, decode

POEM = "床前明月光，疑是地上霜。\n举头望明月，低头思故乡。\n"


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (POEM.encode(), UTF8),
        (codecs.BOM_UTF8 + POEM.encode(), UTF8),
        (POEM.encode("utf-16"), UTF16),
        (codecs.BOM_UTF16_BE + POEM.encode("utf-16-be"), UTF16),
        (POEM.encode("gbk"), GB18030),
        (("README 说明：" + POEM).encode("gb18030"), GB18030),
        (b"plain ASCII\n", UTF8),
        (b"", UTF8),
    ],
)
def test_chinese_text_is_read_in_the_encodings_that_are_met(content: bytes, encoding: str) -> None:
    found = decode(content)
    assert found is not None
    assert found[1] == encoding
    assert POEM in found[0] or content.isascii()
    assert "\ufeff" not in found[0]


@pytest.mark.parametrize(
    "content",
    [
        "Un été à la forêt, où l'élève naît.".encode("latin-1"),
        "這是一段繁體中文，用大五碼存檔。".encode("big5"),
        "これは日本語の文章です。漢字とカタカナ。".encode("shift-jis"),
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR",
        b"\x7fELF\x02\x01\x01" + bytes(range(1, 32)) * 20,
        POEM.encode() + b"\0",
        codecs.BOM_UTF16_LE + b"\x00",
        bytes(range(256)),
    ],
)
def test_what_is_no_chinese_text_is_not_taken_for_it(content: bytes) -> None:
    assert decode(content) is None


def test_chance_is_not_taken_for_text() -> None:
    assert decode(os.urandom(4096)) is None


@given(st.text(st.characters(exclude_categories=["C"])))
def test_any_text_in_utf8_comes_back(text: str) -> None:
    if not text.startswith("\ufeff"):
        assert decode(text.encode()) == (text, UTF8)
