"""How each kind of token of code looks; what is not named looks as its parent does."""

from functools import cache

from pygments.token import Token, _TokenType
from rich.style import Style

from xverse_chat.terminal.markdown.styles import BOLD, DIM, PLAIN

_TOKENS = {
    Token: PLAIN,
    Token.Comment: Style(dim=True, italic=True),
    Token.Comment.Preproc: Style(color="magenta"),
    Token.Comment.PreprocFile: Style(color="green"),
    Token.Keyword: Style(color="magenta"),
    Token.Keyword.Constant: Style(color="cyan"),
    Token.Operator.Word: Style(color="magenta"),
    Token.Name.Builtin: Style(color="cyan"),
    Token.Name.Builtin.Pseudo: PLAIN,
    Token.Name.Function: BOLD,
    Token.Name.Class: BOLD,
    Token.Name.Decorator: Style(color="cyan"),
    Token.Name.Tag: Style(color="magenta"),
    Token.Name.Attribute: Style(color="cyan"),
    Token.Name.Variable: Style(color="cyan"),
    Token.Literal.String: Style(color="green"),
    Token.Literal.Number: Style(color="cyan"),
    Token.Generic.Heading: BOLD,
    Token.Generic.Subheading: BOLD,
    Token.Generic.Deleted: Style(color="red"),
    Token.Generic.Inserted: Style(color="green"),
    Token.Generic.Prompt: DIM,
    Token.Generic.Output: PLAIN,
}


@cache
def token_style(kind: _TokenType) -> Style:
    """Return how a token looks."""
    style = _TOKENS.get(kind)
    return token_style(kind.parent) if style is None else style
