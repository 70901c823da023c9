"""Make the pictures in ``images/`` by running the real programs in a terminal of 80×24.

Run from a clone: ``python scripts/make_pictures.py``. Takes about a minute.
"""

import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.hub.modelscope_server import ModelScopeServer
from tests.hub.upstream_folder import Shape, build_upstream_folder
from tests.program import CHAT, DOWNLOAD, environment
from tests.pseudo_terminal import CTRL_C, CTRL_D, ENTER, PseudoTerminal

IMAGES = Path(__file__).resolve().parent.parent / "images"

CELL_WIDTH, CELL_HEIGHT, FONT_SIZE, MARGIN, TITLE_HEIGHT = 8.4, 19, 14, 14, 30
BACKGROUND, FOREGROUND = "#1b1f27", "#d8dee6"
FONTS = "ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', 'Noto Sans Mono CJK SC', monospace"
COLOURS = {
    "black": "#39404d",
    "red": "#ef6b73",
    "green": "#8fc97a",
    "brown": "#e3bf6b",
    "blue": "#6ba6ef",
    "magenta": "#c58ae0",
    "cyan": "#5fc2cc",
    "white": "#d8dee6",
    "brightblack": "#7b8494",
}

ENGLISH = (
    "Hi, my name is Mirela and I like blue.",
    "Write a list of three fruits.",
    "What is 17 + 25?",
    "What is my name?",
)
CHINESE = (
    "你好，我叫沈若溪，我喜欢喝绿茶。",
    "列出三种水果。",
    "你还记得我叫什么名字吗？",
    "我喜欢喝什么？",
)


def main() -> None:
    """Make every picture."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        _conversation("conversation-en", "en", ENGLISH, Path(home))
        _conversation("conversation-zh", "zh", CHINESE, Path(home))
        _offer("offer-zh", "zh", Path(home))
        _download("download", Path(home))


def _conversation(name: str, language: str, questions: Sequence[str], home: Path) -> None:
    command = [*CHAT, "--demo", "--lang", language]
    with _terminal(command, home) as terminal:
        terminal.wait_for("\n>")
        for number, question in enumerate(questions, start=1):
            terminal.type(question + ENTER)
            terminal.wait_until(partial(_has_answers, terminal, number), f"answer {number}")
            terminal.watch(0.3)
        _save(name, "xverse-chat --demo", terminal)
        terminal.type(CTRL_D)
        terminal.exit_code()


def _has_answers(terminal: PseudoTerminal, count: int) -> bool:
    """Tell whether ``count`` answers have ended: each is followed by a line of figures."""
    return sum(" token" in line for line in terminal.everything.splitlines()) >= count


def _offer(name: str, language: str, home: Path) -> None:
    variables = {"XVERSE_CHAT_CACHE": "/root/autodl-tmp"}
    with _terminal([*CHAT, "--lang", language], home, **variables) as terminal:
        terminal.wait_for("[1]")
        _save(name, "xverse-chat", terminal)
        terminal.type("3" + ENTER)
        terminal.exit_code()


def _download(name: str, home: Path) -> None:
    shape = Shape(8192, 1024, 2752, 8, 8, 2048)
    upstream = build_upstream_folder(home / "upstream", shape=shape, shards=8)
    with ModelScopeServer(upstream, "xverse/XVERSE-7B-Chat") as server:
        server.bytes_per_second = 4e6
        cache = ["--cache-dir", str(home / "autodl-tmp"), "--endpoint", server.url]
        with _terminal([*DOWNLOAD, *cache], home) as terminal:
            terminal.wait_for("4%", timeout_s=60)
            terminal.watch(6)
            _save(name, "xverse-download (a small model, from this machine)", terminal)
            terminal.type(CTRL_C)
            terminal.exit_code()


def _terminal(command: Sequence[str], home: Path, **variables: str) -> PseudoTerminal:
    quiet = {"PYTHONWARNINGS": "ignore", "XVERSE_CHAT_CACHE": str(home / "cache"), **variables}
    return PseudoTerminal(command, environment={**environment(home), **quiet})


def _save(name: str, title: str, terminal: PseudoTerminal) -> None:
    rows = terminal.cells
    while rows and not any(cell.data.strip() for cell in rows[-1]):
        rows.pop()
    (IMAGES / f"{name}.svg").write_text(to_svg(rows, title), encoding="utf-8")
    sys.stderr.write(f"images/{name}.svg{os.linesep}")


def to_svg(rows: Sequence[Sequence[Any]], title: str) -> str:
    """Return rows of a terminal's characters as a picture with a title bar."""
    columns = max(len(row) for row in rows)
    width = columns * CELL_WIDTH + 2 * MARGIN
    height = len(rows) * CELL_HEIGHT + 2 * MARGIN + TITLE_HEIGHT
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}" font-family="{FONTS}" '
        f'font-size="{FONT_SIZE}" xml:space="preserve">',
        f'<rect width="100%" height="100%" rx="8" fill="{BACKGROUND}"/>',
        f'<text x="{width / 2:.0f}" y="21" fill="{COLOURS["brightblack"]}" font-size="12" '
        f'text-anchor="middle">{escape(title)}</text>',
    ]
    for number, row in enumerate(rows):
        top = TITLE_HEIGHT + MARGIN + number * CELL_HEIGHT
        lines += _row(row, top)
    return "\n".join([*lines, "</svg>", ""])


def _row(row: Sequence[Any], top: float) -> Iterator[str]:
    """Yield one element for each run of one style, each exactly as wide as its cells."""
    placed = [(column, cell) for column, cell in enumerate(row) if cell.data]
    for (style, is_wide), group in groupby(placed, lambda item: _style(row, *item)):
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


def _style(row: Sequence[Any], column: int, cell: Any) -> tuple[tuple[str, str | None, bool], bool]:
    is_wide = column + 1 < len(row) and not row[column + 1].data
    foreground = _colour(cell.fg) or FOREGROUND
    background = _colour(cell.bg)
    if cell.reverse:
        foreground, background = background or BACKGROUND, foreground
    return (foreground, background, cell.bold), is_wide


def _colour(name: str) -> str | None:
    if name == "default":
        return None
    return COLOURS.get(name) or f"#{name}"


if __name__ == "__main__":
    main()
