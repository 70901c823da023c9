"""Breaking a text into lines as Chinese is set: between wide characters, but for the punctuation.

No line begins with a character that belongs to what is before it (``，。」``) and none ends with
one that belongs to what follows (``（「``). Words of other scripts stay whole. Only what is
longer than a whole line is broken anywhere.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import accumulate, pairwise

from rich.cells import cell_len, chop_cells, split_graphemes
from rich.segment import Segment

from xverse_chat.terminal.markdown.styles import Line

NEVER_FIRST = (
    "，。、；：？！）］｝〕】》〉」』〗〙〛〞〟｠｡､｣…‥·・～〜％‰℃”’"
    "ー々〻ゝゞヽヾぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ"
    ",.;:!?)]}%"
)
NEVER_LAST = "（［｛〔【《〈「『〖〘〚〝｟“‘￥＄([{"

# What changes the character before it, or joins it to the next: ZWJ, variation selectors, skin
# tones, combining marks.
_EXTENDING = "\u200d\ufe00-\ufe0f\U0001f3fb-\U0001f3ff\u0300-\u036f\u20d0-\u20ff\u3099\u309a"
_WIDE = (
    "\u1100-\u115f\u2e80-\u2fff\u3001-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe1f"
    "\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\U00016fe0-\U00018d8f\U0001b000-\U0001b2ff"
    "\U0001f000-\U0001faff\U00020000-\U0003fffd"
)
# Wide characters that may stand anywhere: all are two cells wide.
_FREE = "\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\U00020000-\U0003fffd"
_SPACE = " \t\u3000"
_BEFORE, _AFTER = re.escape(NEVER_FIRST), re.escape(NEVER_LAST)
# A character of a word; an apostrophe is one inside English only.
_NARROW = f"(?:[^{_SPACE}{_WIDE}{_EXTENDING}…·”’“‘—]|’(?=[a-zA-Z]))"

_UNITS = re.compile(
    f"(?P<free>[{_FREE}]+(?=[{_FREE}]))"
    f"|(?P<space>[{_SPACE}]+)"
    "|(?P<whole>"
    f"[{_AFTER}]*+"
    # A word leaves the brackets at its end to the wide character they open before.
    rf"(?:{_NARROW}*(?![(\[{{]){_NARROW}|[{_WIDE}][{_EXTENDING}]*(?:(?<=\u200d)[{_WIDE}]"
    f"[{_EXTENDING}]*)*)"
    f"[{_BEFORE}{_EXTENDING}]*"
    f"|—+[{_BEFORE}]*"
    f"|[{_AFTER}{_BEFORE}{_EXTENDING}]+"
    "|.)",
    re.DOTALL,
)


def break_line(text: Iterable[Segment], width: int) -> list[Line]:
    """Return ``text``, one line of any length, as lines of at most ``width`` cells.

    Spaces at which a line is broken are dropped. A ``width`` below 2 counts as 2.
    """
    runs = [run for run in text if run.text]
    whole = "".join(run.text for run in runs)
    if cell_len(whole) <= width:
        return [runs]
    return list(_styled(_ranges(whole, max(2, width)), runs))


def fold_line(text: Line, width: int) -> list[Line]:
    """Return ``text`` as lines of at most ``width`` cells, broken anywhere, as a terminal does."""
    whole = "".join(run.text for run in text)
    if cell_len(whole) <= width:
        return [text]
    ends = list(accumulate(map(len, chop_cells(whole, max(2, width)))))
    return list(_styled(pairwise([0, *ends]), text))


def _ranges(text: str, width: int) -> Iterator[tuple[int, int]]:
    """Yield where each line begins and ends in ``text``."""
    start = end = column = 0  # of the line: its first character, the end of its last unit, cells
    for unit in _UNITS.finditer(text):
        begin, stop = unit.span()
        if unit.lastgroup == "space":
            column += cell_len(unit[0])
            if begin == 0:  # an indent, which is kept unless it leaves no room
                start, end, column = (0, stop, column) if column <= width // 2 else (stop, stop, 0)
            continue
        if unit.lastgroup == "free":
            while (room := (width - column) // 2) < stop - begin:
                if room > 0:
                    begin = end = begin + room
                yield start, end
                start, end, column = begin, begin, 0
            column += 2 * (stop - begin)
            end = stop
            continue
        cells = cell_len(unit[0])
        if column + cells > width and end > start:
            yield start, end
            start, column = begin, 0
        elif column + cells > width:
            start, column = begin, 0
        if cells > width:
            for length, size in _chopped(unit[0], width):
                if column + size > width:
                    yield start, begin
                    start, column = begin, 0
                begin += length
                column += size
        else:
            column += cells
        end = stop
    if end > start:
        yield start, end


def _chopped(text: str, width: int) -> Iterator[tuple[int, int]]:
    """Yield characters and cells of each grapheme."""
    for begin, end, cells in split_graphemes(text)[0]:
        yield end - begin, min(cells, width)


def _styled(ranges: Iterable[tuple[int, int]], runs: list[Segment]) -> Iterator[Line]:
    """Yield each range of the joined runs with its styles."""
    index = offset = 0  # the run, and where it begins
    for start, end in ranges:
        line: Line = []
        while start < end:
            text, style, _ = runs[index]
            if offset + len(text) <= start:
                offset += len(text)
                index += 1
                continue
            part = text[start - offset : end - offset]
            line.append(Segment(part, style))
            start += len(part)
        yield line
