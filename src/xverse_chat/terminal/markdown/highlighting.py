"""Colouring code with the lexers of Pygments, which are loaded when they are first needed."""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING

from rich.segment import Segment

from xverse_chat.terminal.markdown.styles import CODE, Line

if TYPE_CHECKING:
    from pygments.lexer import Lexer

TAB_COLUMNS = 4
# Lexers are made of regular expressions, and some take very long for what nobody would write.
MOST_CHARACTERS = 20_000
LONGEST_LINE = 1000

# What models write code in. A lexer for each of Pygments' 600 languages is more than is known to
# end in time.
_NAMES = """
asm awk bash bat batch c c# c++ clojure cmake cpp cs csharp css dart diff docker dockerfile
elixir erlang f# fortran fsharp go golang graphql groovy haskell hs html http ini java javascript
js json jsx julia kotlin latex less lisp lua make makefile markdown matlab md nginx objc
objective-c ocaml pascal perl php postgresql powershell properties proto protobuf ps1 py pycon
python python3 r rb rs ruby rust scala scheme scss sh shell sql swift tcl terraform tex toml ts
tsx typescript vb.net vbnet verilog vhdl vim vue xml yaml yml zsh
"""
LANGUAGES = frozenset(_NAMES.split())


def highlight(lines: Sequence[str], language: str, context: Sequence[str] = ()) -> list[Line]:
    """Return lines of code, coloured if the language is known, and wide as they are.

    ``context`` are the lines before them, as far as they matter for the colours.
    """
    if not lines:
        return []
    whole = [line.expandtabs(TAB_COLUMNS) for line in (*context, *lines)]
    lexer = _lexer(language.lower())
    is_usual = sum(map(len, whole)) <= MOST_CHARACTERS and max(map(len, whole)) <= LONGEST_LINE
    if lexer is None or not is_usual:
        return [[Segment(line, CODE)] if line else [] for line in whole[len(context) :]]
    return _lines(_tokens(lexer, "\n".join(whole)), len(whole))[len(context) :]


@cache
def _lexer(language: str) -> "Lexer | None":
    if language not in LANGUAGES:
        return None
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    # Empty lines at the beginning are kept; PHP needs no mark of where it begins.
    options = {"stripnl": False, "startinline": True}
    try:
        return get_lexer_by_name(language, **options)
    except ClassNotFound:
        return None


def _tokens(lexer: "Lexer", text: str) -> Iterable[Segment]:
    from xverse_chat.terminal.markdown.token_styles import token_style

    for kind, part in lexer.get_tokens(text):
        yield Segment(part, token_style(kind))


def _lines(tokens: Iterable[Segment], count: int) -> list[Line]:
    """Return the tokens line by line: as many lines as there were."""
    lines: list[Line] = [[]]
    for text, style, _ in tokens:
        for index, part in enumerate(text.split("\n")):
            if index:
                lines.append([])
            line = lines[-1]
            if part and line and line[-1].style == style:
                line[-1] = Segment(line[-1].text + part, style)
            elif part:
                line.append(Segment(part, style))
    return lines[:count]
