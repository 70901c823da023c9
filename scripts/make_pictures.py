"""Make the pictures in ``images/`` by running the real programs in a terminal of 80×24.

Run from a clone: ``python scripts/make_pictures.py``. Takes about a minute.
"""

import os
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.terminal_svg import DARK, LIGHT, to_svg
from tests.hub.modelscope_server import ModelScopeServer
from tests.hub.upstream_folder import Shape, build_upstream_folder
from tests.program import CHAT, DOWNLOAD, environment
from tests.pseudo_terminal import CTRL_C, CTRL_D, ENTER, PseudoTerminal
from tests.terminal.conversation import ask, starter, wait_for_prompt

IMAGES = Path(__file__).resolve().parent.parent / "images"

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


ANSWER = """\
两种都是“分而治之”，区别在**怎么分**：

| 算法 | 平均用时 | 占用内存 | 稳定 |
|---|---:|---:|:---:|
| 归并排序 | O(n log n) | O(n) | 是 |
| 快速排序 | O(n log n) | O(log n) | 否 |

**“稳定”**是说，相等的元素排序之后先后不变。下面是归并排序：

```python
def merge_sort(items: list[int]) -> list[int]:
    if len(items) < 2:
        return items
    middle = len(items) // 2
    left, right = merge_sort(items[:middle]), merge_sort(items[middle:])
    merged = []
    while left and right:  # 相等时取左边的，所以稳定
        merged.append((left if left[0] <= right[0] else right).pop(0))
    return merged + left + right
```

1. 先对半分开，直到只剩一个元素；
2. 再两两合并，这一步要另外的空间。
"""


def main() -> None:
    """Make every picture."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        _conversation("conversation-en", "en", ENGLISH, Path(home))
        _conversation("conversation-zh", "zh", CHINESE, Path(home))
        _reply("reply-zh", Path(home))
        _help("help-zh", "zh", Path(home))
        _help("help-en", "en", Path(home))
        _resume("resume-zh", "zh", Path(home))
        _context("context-zh", Path(home))
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


def _reply(name: str, home: Path) -> None:
    """What the demo model cannot write: the program is the real one, the answer is ours."""
    begin = starter(home)
    pieces = [ANSWER[first : first + 3] for first in range(0, len(ANSWER), 3)]
    with begin(language="zh", replies=[pieces], piece_s=0.005, rows=30) as terminal:
        ask(terminal, "归并排序和快速排序有什么不同？写出归并排序。")
        terminal.wait_until(partial(_has_answers, terminal, 1), "the answer")
        wait_for_prompt(terminal)
        terminal.watch(1)
        _save(name, "xverse-chat (回答是示例)", terminal)
        terminal.type(CTRL_D)
        terminal.exit_code()


def _help(name: str, language: str, home: Path) -> None:
    command = [*CHAT, "--demo", "--lang", language, "--no-save"]
    with _terminal(command, home, rows=28) as terminal:
        wait_for_prompt(terminal)
        terminal.type("/help" + ENTER)
        terminal.wait_for("/exit")
        terminal.wait_for(" / 1k", timeout_s=30)
        terminal.watch(1)
        _save(name, "xverse-chat --demo", terminal)
        terminal.type(CTRL_D)
        terminal.exit_code()


def _resume(name: str, language: str, home: Path) -> None:
    """Goes on with what ``_conversation`` left in the same home."""
    command = [*CHAT, "--demo", "--lang", language, "--continue"]
    with _terminal(command, home) as terminal:
        wait_for_prompt(terminal)
        terminal.type("/sessions" + ENTER)
        wait_for_prompt(terminal)
        ask(terminal, "我叫什么名字？")
        terminal.wait_until(partial(_has_answers, terminal, 1), "an answer")
        wait_for_prompt(terminal)
        terminal.watch(1)
        _save(name, "xverse-chat --demo --continue", terminal)
        terminal.type(CTRL_D)
        terminal.exit_code()


def _context(name: str, home: Path) -> None:
    """A context of 300 tokens, full: the program asks what shall make room."""
    begin = starter(home)
    said = [[sentence] for sentence in ("好的，记住了。", "当然可以，" + "慢慢说" * 28 + "。")]
    with begin(language="zh", replies=said, context_tokens=300, rows=20) as terminal:
        ask(terminal, "我叫沈若溪，住在杭州，喜欢喝绿茶。")
        ask(terminal, "我想和你聊聊周末去哪里玩。")
        ask(terminal, "西湖边" + "人多不多，" * 20 + "还是去山里好？")
        terminal.wait_for("[1]")
        terminal.watch(0.5)
        _save(name, "xverse-chat (上下文只有 300 个 token)", terminal)
        terminal.type("1" + ENTER)
        wait_for_prompt(terminal)
        terminal.type(CTRL_D)
        terminal.exit_code()


def _has_answers(terminal: PseudoTerminal, count: int) -> bool:
    """Tell whether ``count`` answers have ended: each is followed by a line of figures."""
    return sum(" token" in line for line in terminal.everything.splitlines()) >= count


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


def _terminal(command: Sequence[str], home: Path, rows: int = 24) -> PseudoTerminal:
    quiet = {
        "PYTHONWARNINGS": "ignore",
        "XVERSE_CHAT_CACHE": str(home / "cache"),
    }
    return PseudoTerminal(command, environment={**environment(home), **quiet}, rows=rows)


def _save(name: str, title: str, terminal: PseudoTerminal) -> None:
    rows = terminal.cells
    while rows and not any(cell.data.strip() for cell in rows[-1]):
        rows.pop()
    for file, theme in ((f"{name}.svg", DARK), (f"{name}-light.svg", LIGHT)):
        (IMAGES / file).write_text(to_svg(rows, title, theme), encoding="utf-8")
    sys.stderr.write(f"images/{name}.svg, images/{name}-light.svg{os.linesep}")


if __name__ == "__main__":
    main()
