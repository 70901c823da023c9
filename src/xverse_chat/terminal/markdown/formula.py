r"""Formulas are left as they are: ``$a_1*b_2$``, ``\(x\)``, and blocks of ``$$`` and ``\[``.

A terminal cannot set them, but Markdown would take their asterisks, underscores and backslashes
away.
"""

import re

from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline

_BLOCK_ENDS = {"$$": "$$", r"\[": r"\]"}
# As in Pandoc, one dollar sign opens only before and closes only after what is no space, and no
# digit follows: "$5 和 $10" is money.
_INLINE = re.compile(
    r"\$\$[^$\n]+\$\$"
    r"|\$(?=\S)[^$\n]*(?<=\S)\$(?![\d$])"
    r"|\\\([^\n]*?\\\)"
    r"|\\\[[^\n]*?\\\]"
)
LONGEST_INLINE = 1000


def block_formula(state: StateBlock, first: int, last: int, silent: bool) -> bool:
    """Take a block from its opening to its end, to an empty line or to the end of the text.

    It may not be open beyond an empty line: nobody can wait for an end that never comes.
    """
    if state.is_code_block(first):
        return False
    text = _line(state, first)
    end = _BLOCK_ENDS.get(text[:2])
    if end is None or (end in text[2:] and not text[2:].rstrip().endswith(end)):
        return False
    if silent:
        return True
    following = first + 1
    if end not in text[2:]:
        while following < last and not state.isEmpty(following):
            if state.sCount[following] < state.blkIndent:
                break
            following += 1
            if end in _line(state, following - 1):
                break
    token = state.push("formula_block", "", 0)
    token.content = state.getLines(first, following, state.blkIndent, False)
    token.map = [first, following]
    state.line = following
    return True


def inline_formula(state: StateInline, silent: bool) -> bool:
    """Take a formula inside a line."""
    if state.src[state.pos] not in "$\\":
        return False
    found = _INLINE.match(state.src, state.pos, min(state.posMax, state.pos + LONGEST_INLINE))
    if found is None:
        return False
    if not silent:
        state.push("formula", "", 0).content = found[0]
    state.pos = found.end()
    return True


def _line(state: StateBlock, line: int) -> str:
    return state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]]
