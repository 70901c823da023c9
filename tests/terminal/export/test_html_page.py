import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xverse_chat.chat.backend import Message
from xverse_chat.chat.transcript import Transcript
from xverse_chat.terminal.export.exporting import export_labels
from xverse_chat.terminal.export.html_page import to_page
from xverse_chat.terminal.texts_chinese import CHINESE
from xverse_chat.terminal.texts_english import ENGLISH

HARMLESS = {
    *("html", "head", "meta", "title", "style", "body", "header", "main", "section", "div"),
    *("h1", "h2", "h3", "h4", "h5", "h6", "p", "a", "em", "strong", "s", "code", "pre", "span"),
    *("ul", "ol", "li", "table", "thead", "tbody", "tr", "th", "td", "blockquote", "hr", "br"),
}


class Tags(HTMLParser):
    """Collects the tags and attributes of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]


def page(*messages: Message, title: str = "天气") -> str:
    transcript = Transcript(title, "2026-11-24T13:59:55Z", "demo", messages)
    return to_page(transcript, export_labels(CHINESE))


def test_markdown_of_the_model_is_shown_and_text_of_the_user_is_not_markdown() -> None:
    html = page(
        Message("user", "**不是粗体**\n第二行"),
        Message("assistant", "**重点** ~~旧~~\n\n| 甲 | 乙 |\n|---|---|\n| 1 | 2 |\n\n- 一"),
    )
    assert "**不是粗体**\n第二行" in html
    for shown in ("<strong>重点</strong>", "<s>旧</s>", "<th>甲</th>", "<td>2</td>", "<li>一</li>"):
        assert shown in html


def test_code_is_coloured_by_its_language_and_plain_without_one() -> None:
    html = page(Message("assistant", "```python\nx = '<b>'\n```\n\n```\n<plain>\n```"))
    assert '<pre class="code"><code><span class="n">x</span>' in html
    assert "<pre><code>&lt;plain&gt;" in html
    assert ".code .n" in html.partition("prefers-color-scheme: dark")[2]


@pytest.mark.parametrize(
    "said",
    [
        "<script>alert(1)</script>",
        '<img src="x" onerror="alert(1)">',
        "![x](https://example.org/track.png)",
        "[x](javascript:alert(1))",
        "[x](data:text/html;base64,AAAA)",
        "[x](file:///etc/passwd)",
        "<javascript:alert(1)>",
        "```<script>\n</code></pre><script>\n```",
        "</div></section><iframe src=//x>",
    ],
)
def test_nothing_that_was_said_does_anything(said: str) -> None:
    tags = Tags(
        page(Message("system", said), Message("user", said), Message("assistant", said), title=said)
    )
    assert tags.tags <= HARMLESS
    assert not [
        (name, value)
        for name, value in tags.attributes
        if name.startswith("on") or name == "src" or (name == "href" and "example" not in value)
    ]


@settings(max_examples=200, deadline=None)
@given(st.text("<>&\"'`*_[]()!|-#~\n\\ a:/;甲\x1b\x9b\u202e", max_size=80))
def test_no_text_escapes_from_its_place(said: str) -> None:
    html = page(Message("user", said), Message("assistant", said), title=said)
    assert Tags(html).tags <= HARMLESS
    assert html.count("<section") == html.count("</section>") == 2
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", html)


def test_a_page_needs_nothing_from_elsewhere() -> None:
    html = page(Message("assistant", "a", interrupted=True))
    assert "http-equiv" in html
    assert "url(" not in html
    assert "@import" not in html
    assert "回答在这里中断。" in html
    assert '<html lang="zh-CN">' in html


def test_the_words_are_in_the_language_of_the_user() -> None:
    html = to_page(Transcript("", "", "", (Message("user", "hi"),)), export_labels(ENGLISH))
    assert "<h1>A conversation</h1>" in html
    assert '<p class="speaker">You</p>' in html
