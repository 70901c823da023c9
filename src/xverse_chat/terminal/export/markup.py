"""What a model wrote in Markdown, as HTML that does nothing by itself.

HTML in it is shown as the text it is, no image is fetched, and a link leads to the web or to a
mail address or is none.
"""

import re
from functools import cache

from markdown_it import MarkdownIt
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

from xverse_chat.terminal.markdown.emphasis import InlineParser

# Longer code is shown without colours: some lexers take quadratic time.
MAX_HIGHLIGHTED_CHARACTERS = 50_000
_LINKED = re.compile(r"(?:https?://|mailto:)", re.IGNORECASE)
# The style of light pages and that of dark ones; both are for all of a program's tokens.
_LIGHT, _DARK = "default", "github-dark"


def to_html(text: str) -> str:
    """Return the HTML of a Markdown text."""
    html: str = _parser().render(text)
    return html


@cache
def code_style() -> str:
    """Return the rules that colour code, for light and for dark pages."""
    light, dark = (_token_rules(style) for style in (_LIGHT, _DARK))
    return f"{light}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}"


def _token_rules(style: str) -> str:
    """Return the rules for tokens; where they stand, the page has rules of its own."""
    rules = _formatter(style).get_style_defs(".code").splitlines()
    return "\n".join(rule for rule in rules if rule.startswith(".code ."))


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True, "highlight": _highlighted})
    parser.inline = InlineParser()
    parser.enable(["table", "strikethrough"]).disable("image")
    parser.validateLink = _may_be_linked  # type: ignore[method-assign]
    return parser


def _may_be_linked(url: str) -> bool:
    return _LINKED.match(url) is not None


def _highlighted(code: str, language: str, attributes: str) -> str:
    """Return code in colours; nothing where its language is not known, and it is plain then."""
    if not language or len(code) > MAX_HIGHLIGHTED_CHARACTERS:
        return ""
    try:
        lexer = get_lexer_by_name(language, stripnl=False)
    except ClassNotFound:
        return ""
    coloured: str = highlight(code, lexer, _formatter(_LIGHT))
    return f'<pre class="code"><code>{coloured}</code></pre>\n'


def _formatter(style: str) -> HtmlFormatter[str]:
    return HtmlFormatter(style=style, nowrap=True)
