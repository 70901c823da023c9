"""How each part of a reply looks: bold, dim and a few of the terminal's own 16 colours.

Those that cannot be read on one of the usual backgrounds are left out: yellow and white on a
light one, blue and the bright ones on a dark one.
"""

from rich.segment import Segment
from rich.style import Style

Line = list[Segment]
"""One line on the screen: runs of text, each with its style."""

PLAIN = Style()
BOLD = Style(bold=True)
ITALIC = Style(italic=True)
STRIKE = Style(strike=True)
DIM = Style(dim=True)
CODE = Style(color="cyan")
LINK = Style(underline=True)
ADDRESS = Style(dim=True)
MARKER = Style(color="cyan")
HEADINGS = (Style(bold=True, underline=True), Style(bold=True, color="magenta"), Style(bold=True))


def heading_style(level: int) -> Style:
    """Return how a heading looks; the deeper ones look alike."""
    return HEADINGS[min(level, len(HEADINGS)) - 1]
