"""Where emphasis may begin and end beside wide characters.

CommonMark lets a run of ``*`` beside punctuation open or close nothing unless whitespace or more
punctuation stands on its other side. Chinese has no spaces, so ``**注意：**正文`` would show its
asterisks. Here a Chinese neighbour never blocks a run; whitespace still does, and without one
the rule is CommonMark's.
"""

from unicodedata import east_asian_width

from markdown_it import MarkdownIt
from markdown_it.common.utils import isMdAsciiPunct, isPunctChar, isWhiteSpace
from markdown_it.parser_inline import ParserInline
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.state_inline import Scanned
from markdown_it.token import Token
from markdown_it.utils import EnvType

# Punctuation of Chinese that Unicode does not call wide, because other scripts use it too.
_SHARED_PUNCTUATION = frozenset("“”‘’—…·")
_FIRST_WIDE = "\u2e80"


class InlineParser(ParserInline):
    """The parser of what stands inside a paragraph, with the rule for Chinese."""

    def parse(self, src: str, md: MarkdownIt, env: EnvType, tokens: list[Token]) -> list[Token]:
        """Put the tokens of ``src`` into ``tokens``."""
        state = _State(src, md, env, tokens)
        self.tokenize(state)
        for rule in self.ruler2.getRules(""):
            rule(state)
        return state.tokens


class _State(StateInline):
    def scanDelims(self, start: int, canSplitWord: bool) -> Scanned:
        scanned = super().scanDelims(start, canSplitWord)
        end = start + scanned.length
        before = self.src[start - 1] if start else " "
        after = self.src[end] if end < self.posMax else " "
        if not (_is_chinese(before) or _is_chinese(after)):
            return scanned
        opens, closes = not isWhiteSpace(ord(after)), not isWhiteSpace(ord(before))
        if canSplitWord:
            return Scanned(opens, closes, scanned.length)
        # An underscore inside a word stays one, also inside a Chinese word.
        return Scanned(
            opens and (not closes or _is_punctuation(before)),
            closes and (not opens or _is_punctuation(after)),
            scanned.length,
        )


def _is_chinese(character: str) -> bool:
    if character < _FIRST_WIDE:
        return character in _SHARED_PUNCTUATION
    return east_asian_width(character) in "WF"


def _is_punctuation(character: str) -> bool:
    return isMdAsciiPunct(ord(character)) or isPunctChar(character)
