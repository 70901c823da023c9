"""Tables that lose no cell, as models write them.

Elsewhere a row's cells beyond those of the heading are dropped, and each ``|`` parts two cells,
also that of ``a|b`` in code. Here a row with too many cells is read again with those inside code
left alone, and what is still too much goes into its last cell.
"""

import re

from markdown_it.rules_block import StateBlock, table
from markdown_it.token import Token

_CELL = re.compile(r"(?:\\.|`+[^`]*`+|[^|\\])*+", re.DOTALL)


def whole_table(state: StateBlock, first: int, last: int, silent: bool) -> bool:
    """Take a table."""
    known = len(state.tokens)
    if not table(state, first, last, silent):
        return False
    rows: list[list[Token]] = []
    for token in state.tokens[known:]:
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline":
            rows[-1].append(token)
    for cells in rows[1:]:
        line = cells[0].map[0] if cells[0].map is not None else first
        begin, end = state.bMarks[line] + state.tShift[line], state.eMarks[line]
        _fill(cells, state.src[begin:end].strip())
    return True


def _fill(cells: list[Token], row: str) -> None:
    inner = row.removeprefix("|")
    if row.endswith("|") and not row.endswith("\\|"):
        inner = inner.removesuffix("|")
    if inner.count("|") < len(cells):
        return
    parts = [part.strip().replace("\\|", "|") for part in _split(inner)]
    if len(parts) > len(cells):
        parts[len(cells) - 1 :] = [" | ".join(parts[len(cells) - 1 :])]
    for cell, part in zip(cells, parts, strict=False):
        cell.content = part


def _split(row: str) -> list[str]:
    parts = []
    position = 0
    while position <= len(row):
        found = _CELL.match(row, position)
        end = found.end() if found is not None else len(row)
        parts.append(row[position:end])
        position = end + 1
    return parts
