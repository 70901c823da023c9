"""The Markdown that is read: CommonMark with tables, strikethrough, task lists and formulas.

Less than CommonMark where reading a reply as it comes asks for it:

- no HTML: it is shown as the text it is;
- no reference definitions: they would vanish, and what refers to them was printed long ago;
- no underlined headings: ``---`` right below a paragraph is meant as a rule, and a paragraph
  must not turn into a heading by what comes after it.
"""

from collections.abc import Callable
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.common.utils import mdTrim
from markdown_it.ruler import RuleOptionsType
from markdown_it.rules_block import StateBlock, blockquote, list_block, paragraph
from markdown_it.token import Token

from xverse_chat.terminal.markdown.emphasis import InlineParser
from xverse_chat.terminal.markdown.formula import block_formula, inline_formula
from xverse_chat.terminal.markdown.table_rows import whole_table

# Quotes and lists inside each other beyond this are shown as the text they are: markdown-it drops
# what is nested too deep.
DEEPEST = 20
_MAX_NESTING = DEEPEST + 4

_FULL_WIDTH_SPACE = "\u3000"

_BlockRule = Callable[[StateBlock, int, int, bool], bool]


def parse(text: str) -> list[Token]:
    """Return the tokens of a text."""
    return _parser().parse(text)


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("zero")
    parser.inline = InlineParser()
    parser.configure("zero", options_update={"maxNesting": _MAX_NESTING, "tasklists": True})
    parser.enable(["blockquote", "code", "fence", "heading", "hr", "list", "table"])
    parser.enable(["autolink", "backticks", "emphasis", "entity", "escape", "image", "link"])
    parser.enable(["newline", "strikethrough"])
    interrupting: RuleOptionsType = {"alt": ["paragraph", "blockquote", "list"]}
    parser.block.ruler.before("paragraph", "formula", block_formula, interrupting)
    parser.inline.ruler.before("escape", "formula", inline_formula)
    parser.block.ruler.at("blockquote", _not_too_deep(blockquote), interrupting)
    between: RuleOptionsType = {"alt": ["paragraph", "blockquote"]}
    parser.block.ruler.at("table", whole_table, {"alt": ["paragraph"]})
    parser.block.ruler.at("list", _not_too_deep(list_block), between)
    parser.block.ruler.at("paragraph", _keep_indent)
    # What a link points to is shown as it was written, whatever it is: nothing opens it.
    parser.normalizeLink = lambda url: url  # type: ignore[method-assign]
    parser.validateLink = lambda url: True  # type: ignore[method-assign]
    return parser


def _not_too_deep(rule: _BlockRule) -> _BlockRule:
    def limited(state: StateBlock, first: int, last: int, silent: bool) -> bool:
        return state.level < DEEPEST and rule(state, first, last, silent)

    return limited


def _keep_indent(state: StateBlock, first: int, last: int, silent: bool) -> bool:
    """Take a paragraph, and keep the full-width spaces that a Chinese one begins with."""
    begin, end = state.bMarks[first] + state.tShift[first], state.eMarks[first]
    line = state.src[begin:end]
    taken = paragraph(state, first, last, silent)
    indent = line[: len(line) - len(line.lstrip(_FULL_WIDTH_SPACE))]
    if indent and mdTrim(line):
        state.tokens[-2].content = indent + state.tokens[-2].content
    return taken
