"""Emphasis: as CommonMark says without wide characters, as Chinese is written with them.

The examples follow the seventeen rules of CommonMark's section on emphasis, one after the other.
What they should give was compared with cmark-gfm, which differs in two things that are not this
project's: it merges bold inside bold, and £ is no punctuation to it.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.terminal.markdown.rendering import styled
from xverse_chat.terminal.markdown.parser import parse

COMMONMARK = [
    # 1: an asterisk opens before what is no space
    ("*one two*", "<em>one two</em>"),
    ("a * one two*", "a * one two*"),
    ("a*(one)*", "a*(one)*"),
    ("*\u00a0a\u00a0*", "*\u00a0a\u00a0*"),
    ("*$*alpha.\n\n*£*bravo.", "*$*alpha.|*£*bravo."),
    ("one*two*", "one<em>two</em>"),
    ("5*6*78", "5<em>6</em>78"),
    # 2: an underscore does not inside a word
    ("_one two_", "<em>one two</em>"),
    ("_ one two_", "_ one two_"),
    ("a_(one)_", "a_(one)_"),
    ("one_two_", "one_two_"),
    ("5_6_78", "5_6_78"),
    ("пристаням_стремятся_", "пристаням_стремятся_"),
    ("aa_(bb)_cc", "aa_(bb)_cc"),
    ("one-_(two)_", "one-<em>(two)</em>"),
    # 3 and 4: what closes
    ("_one*", "_one*"),
    ("*one two *", "*one two *"),
    ("*one two\n*", "*one two\n*"),
    ("*(*one)", "*(*one)"),
    ("*(*one*)*", "<em>(<em>one</em>)</em>"),
    ("*one*two", "<em>one</em>two"),
    ("_one two _", "_one two _"),
    ("_(_one)", "_(_one)"),
    ("_(_one_)_", "<em>(<em>one</em>)</em>"),
    ("_one_two", "_one_two"),
    ("_one_two_three_", "<em>one_two_three</em>"),
    ("_(one)_.", "<em>(one)</em>."),
    # 5 to 8: strong
    ("**one two**", "<strong>one two</strong>"),
    ("** one two**", "** one two**"),
    ("a**(one)**", "a**(one)**"),
    ("one**two**", "one<strong>two</strong>"),
    ("__one two__", "<strong>one two</strong>"),
    ("__ one two__", "__ one two__"),
    ("a__(one)__", "a__(one)__"),
    ("one__two__", "one__two__"),
    ("__one, __two__, three__", "<strong>one, <strong>two</strong>, three</strong>"),
    ("one-__(two)__", "one-<strong>(two)</strong>"),
    ("**one two **", "**one two **"),
    ("**(**one)", "**(**one)"),
    ("*(**one**)*", "<em>(<strong>one</strong>)</em>"),
    ("**one *two* three**", "<strong>one <em>two</em> three</strong>"),
    ("**one**two", "<strong>one</strong>two"),
    ("__one two __", "__one two __"),
    ("__(__one)", "__(__one)"),
    ("_(__one__)_", "<em>(<strong>one</strong>)</em>"),
    ("__one__two__three__", "<strong>one__two__three</strong>"),
    ("__(one)__.", "<strong>(one)</strong>."),
    # 9 and 10: inside each other
    ("*one\ntwo*", "<em>one\ntwo</em>"),
    ("_one __two__ three_", "<em>one <strong>two</strong> three</em>"),
    ("__one_ two_", "<em><em>one</em> two</em>"),
    ("*one *two**", "<em>one <em>two</em></em>"),
    ("*one **two** three*", "<em>one <strong>two</strong> three</em>"),
    ("*one**two**three*", "<em>one<strong>two</strong>three</em>"),
    ("*one**two*", "<em>one**two</em>"),
    ("***one** two*", "<em><strong>one</strong> two</em>"),
    ("*one **two***", "<em>one <strong>two</strong></em>"),
    ("one***two***three", "one<em><strong>two</strong></em>three"),
    (
        "one******two*********three",
        "one<strong><strong><strong>two</strong></strong></strong>***three",
    ),
    ("** is nothing", "** is nothing"),
    ("****one****", "<strong><strong>one</strong></strong>"),
    ("**one *two** three*", "<em><em>one <em>two</em></em> three</em>"),
    # 11 and 12: literal markers
    ("one ***", "one ***"),
    (r"one *\**", "one <em>*</em>"),
    ("one *_*", "one <em>_</em>"),
    ("**one*", "*<em>one</em>"),
    ("*one**", "<em>one</em>*"),
    ("***one**", "*<strong>one</strong>"),
    ("****one*", "***<em>one</em>"),
    ("one _*_", "one <em>*</em>"),
    ("__one_", "_<em>one</em>"),
    ("_one__", "<em>one</em>_"),
    # 13 to 17: what wins
    ("**one**", "<strong>one</strong>"),
    ("*_one_*", "<em><em>one</em></em>"),
    ("__one__", "<strong>one</strong>"),
    ("******one******", "<strong><strong><strong>one</strong></strong></strong>"),
    ("***one***", "<em><strong>one</strong></em>"),
    ("_____one_____", "<em><strong><strong>one</strong></strong></em>"),
    ("*one _two* three_", "<em>one _two</em> three_"),
    ("*one __two *three four__ five*", "<em>one <strong>two *three four</strong> five</em>"),
    ("**one **two three**", "**one <strong>two three</strong>"),
    ("*one *two three*", "*one <em>two three</em>"),
    ("*a `*`*", "<em>a <code>*</code></em>"),
    ("_a `_`_", "<em>a <code>_</code></em>"),
]

TAGS = {"em": "em", "strong": "strong"}


def told(tokens: list[Token]) -> str:
    """Return the paragraphs of a text with tags for emphasis alone."""
    paragraphs = []
    for token in tokens:
        if token.type == "inline":
            text = ""
            for child in token.children or []:
                if child.type in ("softbreak", "hardbreak"):
                    text += "\n"
                elif child.type == "code_inline":
                    text += f"<code>{child.content}</code>"
                elif child.tag in TAGS:
                    text += f"<{child.tag}>" if child.nesting > 0 else f"</{child.tag}>"
                else:
                    text += child.content
            paragraphs.append(text)
    return "|".join(paragraphs)


@pytest.mark.parametrize(("text", "expected"), COMMONMARK)
def test_emphasis_without_wide_characters_is_that_of_commonmark(text: str, expected: str) -> None:
    assert told(parse(text)) == expected


@settings(max_examples=1000)
@given(
    st.lists(st.sampled_from(["*", "**", "_", "__", "a", " ", ".", "(", ")", "-", "é", "\u00a0"]))
)
def test_without_wide_characters_the_plain_parser_agrees(parts: list[str]) -> None:
    text = "x" + "".join(parts)
    plain = MarkdownIt("commonmark").disable(["html_block", "html_inline", "lheading"])
    assert told(parse(text)) == told(plain.parse(text))


@pytest.mark.parametrize(
    ("text", "bold"),
    [
        ("**注意：**正文", ["注意："]),
        ("含**「重点」**内容", ["「重点」"]),
        ("**“你好”**是问候", ["“你好”"]),
        ("这是**（重要）**的", ["（重要）"]),
        ("**第一，**第二，**第三。**第四", ["第一，", "第三。"]),
        ("他说：**“好”**，走了。", ["“好”"]),
        ("**《红楼梦》**和**《西游记》**", ["《红楼梦》", "《西游记》"]),
        ("——**引用**——", ["引用"]),
        ("**价格：**100元", ["价格："]),
        ("**Python：**一种语言", ["Python："]),
        ("用**`code`**表示", ["code"]),
        ("**注意！**Note", ["注意！"]),
        ("**重点：**😀", ["重点："]),
        ("**普通**的", ["普通"]),
        ("甲**乙**丙**丁**戊", ["乙", "丁"]),
        ("** 不是**，也 ** 不是 **", []),
        ("2 ** 3 ** 4 是多少？", []),
    ],
)
def test_bold_beside_chinese_punctuation(text: str, bold: list[str]) -> None:
    assert [run for run, style in styled(text) if "bold" in style] == bold


@pytest.mark.parametrize(
    ("text", "struck"),
    [
        ("~~删（除）~~后面", ["删（除）"]),
        ("前面~~「旧」~~新", ["「旧」"]),
        ("约~3~天", []),
    ],
)
def test_strike_beside_chinese_punctuation(text: str, struck: list[str]) -> None:
    assert [run for run, style in styled(text) if "strike" in style] == struck


@pytest.mark.parametrize(
    "text", ["snake_case_name", "变量_名_称", "f(*args, **kwargs)", "2 * 3 * 4"]
)
def test_what_is_no_emphasis_is_left_alone(text: str) -> None:
    assert styled(text) == [(text, "none")]


def test_an_underscore_beside_chinese_punctuation_is_emphasis() -> None:
    assert ("强调", "italic") in styled("，_强调_。")
