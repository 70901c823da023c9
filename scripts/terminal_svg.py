"""A terminal's characters as an SVG picture, in the colours of a dark or a light terminal."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from xml.sax.saxutils import escape

CELL_WIDTH, CELL_HEIGHT, FONT_SIZE, MARGIN, TITLE_HEIGHT = 8.4, 19, 14, 14, 30
FONTS = "ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', 'Noto Sans Mono CJK SC', monospace"


@dataclass(frozen=True, slots=True)
class Theme:
    """The colours of a terminal: its own two, and the sixteen by name."""

    background: str
    foreground: str
    colours: Mapping[str, str]


DARK = Theme(
    "#1b1f27",
    "#d8dee6",
    {
        "black": "#39404d",
        "red": "#ef6b73",
        "green": "#8fc97a",
        "brown": "#e3bf6b",
        "blue": "#6ba6ef",
        "magenta": "#c58ae0",
        "cyan": "#5fc2cc",
        "white": "#d8dee6",
        "brightblack": "#7b8494",
    },
)
LIGHT = Theme(
    "#fbfbfa",
    "#24292f",
    {
        "black": "#24292f",
        "red": "#b3261e",
        "green": "#2f7d32",
        "brown": "#8a5a00",
        "blue": "#1f5fbf",
        "magenta": "#8a3ab0",
        "cyan": "#0b7285",
        "white": "#6e7781",
        "brightblack": "#7a828c",
    },
)


def to_svg(rows: Sequence[Sequence[Any]], title: str, theme: Theme) -> str:
    """Return rows of a terminal's characters as a picture with a title bar."""
    columns = max(len(row) for row in rows)
    width = columns * CELL_WIDTH + 2 * MARGIN
    height = len(rows) * CELL_HEIGHT + 2 * MARGIN + TITLE_HEIGHT
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}" font-family="{FONTS}" '
        f'font-size="{FONT_SIZE}" xml:space="preserve">',
        f'<rect width="100%" height="100%" rx="8" fill="{theme.background}"/>',
        f'<text x="{width / 2:.0f}" y="21" fill="{theme.colours["brightblack"]}" font-size="12" '
        f'text-anchor="middle">{escape(title)}</text>',
    ]
    for number, row in enumerate(rows):
        top = TITLE_HEIGHT + MARGIN + number * CELL_HEIGHT
        lines += _row(row, top, theme)
    return "\n".join([*lines, "</svg>", ""])


def _row(row: Sequence[Any], top: float, theme: Theme) -> Iterator[str]:
    """Yield one element for each run of one style, each exactly as wide as its cells."""
    placed = [(column, cell) for column, cell in enumerate(row) if cell.data]
    for (style, is_wide), group in groupby(
        placed, lambda item: _style(row, item[0], item[1], theme)
    ):
        run = list(group)
        cell_width = CELL_WIDTH * (2 if is_wide else 1)
        left, length = MARGIN + run[0][0] * CELL_WIDTH, len(run) * cell_width
        foreground, background, bold = style
        if background is not None:
            yield (
                f'<rect x="{left:.1f}" y="{top:.1f}" width="{length:.1f}" '
                f'height="{CELL_HEIGHT}" fill="{background}"/>'
            )
        text = "".join(cell.data for _, cell in run)
        if inner := text.strip():  # blanks at the ends would be dropped and the rest stretched
            left += (len(text) - len(text.lstrip())) * cell_width
            length = len(inner) * cell_width
            # For viewers without textLength: a wide character is as wide as the font is high.
            spacing = cell_width - FONT_SIZE if is_wide else 0.0
            weight = ' font-weight="bold"' if bold else ""
            yield (
                f'<text x="{left:.1f}" y="{top + 14:.1f}" textLength="{length:.1f}" '
                f'lengthAdjust="spacingAndGlyphs" letter-spacing="{spacing:.1f}" '
                f'fill="{foreground}"{weight}>'
                f"{escape(inner)}</text>"
            )


def _style(
    row: Sequence[Any], column: int, cell: Any, theme: Theme
) -> tuple[tuple[str, str | None, bool], bool]:
    is_wide = column + 1 < len(row) and not row[column + 1].data
    foreground = _colour(cell.fg, theme) or theme.foreground
    background = _colour(cell.bg, theme)
    if cell.reverse:
        foreground, background = background or theme.background, foreground
    return (foreground, background, cell.bold), is_wide


def _colour(name: str, theme: Theme) -> str | None:
    if name == "default":
        return None
    return theme.colours.get(name) or f"#{name}"
