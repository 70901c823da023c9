"""What it costs to show a reply as Markdown while it comes, beside plain output in the same run.

``python -m benchmarks.render --out RESULT.json``, a minute. Each stream is a process of its own
in a pseudo-terminal whose other end is read and thrown away.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import termios
import threading
import time
from pathlib import Path

from benchmarks.machine import describe_machine

SLOW_TOKENS_PER_S, SLOW_TOKENS = 60, 1200
FAST_TOKENS_PER_S, FAST_TOKENS = 700, 4200
LARGE_BYTES = 1_000_000
ROUNDS = 5
# As XVERSE's tokens are: most are one or two Chinese characters, or a word.
TOKEN_CHARACTERS = (1, 2, 2, 3)
COLUMNS, ROWS = 100, 40

SECTION = """## {number}. 缓存的用法

**缓存（cache）**把算过的结果留下来，「下一次」直接取用，不必重新计算。它能省下时间，但是占用内存，
所以要想清楚：什么值得留，留多久，满了先丢掉哪些。
第 {number} 节用一个例子说明，代码里的 `lru_cache` 是标准库的。

- **命中率**：从缓存里取到结果的比例，越高越好；
- 容量：最多留多少条，*太小*没有用，太大浪费；
- 过期：数据变了以后，旧的结果不能再用。
  1. 按时间过期，最简单；
  2. 按版本过期，最可靠。

```python
from functools import lru_cache


@lru_cache(maxsize={number})
def fibonacci(n: int) -> int:
    \"\"\"Return the n-th number.\"\"\"
    if n < 2:
        return n
    return fibonacci(n - 1) + fibonacci(n - 2)


for index in range({number}):
    print(f"第 {{index}} 个是 {{fibonacci(index)}}")
```

| 策略 | 说明 | 适合 |
|---|---|---:|
| LRU | 丢掉最久没有用过的 | 一般情况 {number} |
| LFU | 丢掉用得最少的 | 热点固定 |
| FIFO | 先来的先丢 | 流式数据 |

> 小结：先测量，再决定要不要缓存。

"""


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    slow = _tokens(count=SLOW_TOKENS)
    fast = _tokens(count=FAST_TOKENS)
    large = _tokens(size_bytes=LARGE_BYTES)
    result = {
        "machine": describe_machine(),
        "date": time.strftime("%Y-%m-%d"),
        "window": f"{COLUMNS}x{ROWS}",
        "rounds": ROUNDS,
        f"{SLOW_TOKENS_PER_S} tokens/s": _share_of_core(slow),
        f"{FAST_TOKENS_PER_S} tokens/s": _slowdown(fast),
        f"{LARGE_BYTES} bytes at once": {
            name: _median([_show(name, large, 0) for _ in range(ROUNDS)])
            for name in ("plain", "markdown")
        },
    }
    options.out.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", "utf-8")
    print(json.dumps(result, ensure_ascii=False))


def _share_of_core(tokens: list[str]) -> dict[str, object]:
    """Return what part of a core the whole process takes, the model's thread included."""
    taken = {
        name: _median([_show(name, tokens, SLOW_TOKENS_PER_S)]) for name in ("plain", "markdown")
    }
    shares = {
        f"{name}_share_of_core": round(figures["cpu_s"] / figures["wall_s"], 4)
        for name, figures in taken.items()
    }
    return {**taken, **shares}


def _slowdown(tokens: list[str]) -> dict[str, object]:
    """Return how much later the last token comes than with plain output, round by round."""
    rounds = [
        {name: _show(name, tokens, FAST_TOKENS_PER_S) for name in ("plain", "markdown")}
        for _ in range(ROUNDS)
    ]
    slowdowns = [each["markdown"]["said_s"] / each["plain"]["said_s"] - 1 for each in rounds]
    return {
        **{name: _median([each[name] for each in rounds]) for name in ("plain", "markdown")},
        "slowdown": round(statistics.median(slowdowns), 4),
        "slowdowns": [round(each, 4) for each in slowdowns],
    }


def _median(figures: list[dict[str, float]]) -> dict[str, float]:
    return {
        name: round(statistics.median(each[name] for each in figures), 3) for name in figures[0]
    }


def _tokens(*, count: int | None = None, size_bytes: int = 0) -> list[str]:
    """Return a reply of this many tokens, or of this many bytes."""
    generator = random.Random(0)
    text, number = "", 0
    while len(text.encode()) < size_bytes or (count is not None and len(text) < count * 3):
        number += 1
        text += SECTION.format(number=number)
    tokens: list[str] = []
    position = 0
    while position < len(text) and (count is None or len(tokens) < count):
        length = generator.choice(TOKEN_CHARACTERS)
        tokens.append(text[position : position + length])
        position += length
    return tokens


def _show(renderer: str, tokens: list[str], tokens_per_s: float) -> dict[str, float]:
    """Return what the worker says it took, and how many bytes the terminal got."""
    master, slave = os.openpty()
    termios.tcsetwinsize(slave, (ROWS, COLUMNS))
    received = [0]
    reader = threading.Thread(target=_drain, args=(master, received))
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
        json.dump(tokens, file)
        file.flush()
        stream = {"renderer": renderer, "tokens_per_s": tokens_per_s, "text_file": file.name}
        worker = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.render_worker", json.dumps(stream)],
            stdin=subprocess.DEVNULL,
            stdout=slave,
            stderr=subprocess.PIPE,
            env={**os.environ, "TERM": "xterm-256color"},
        )
        os.close(slave)
        reader.start()
        said = worker.communicate()[1]
    reader.join()
    os.close(master)
    if worker.returncode != 0:
        raise SystemExit(said.decode())
    return {**json.loads(said), "written_bytes": received[0]}


def _drain(master: int, received: list[int]) -> None:
    while True:
        try:
            data = os.read(master, 65536)
        except OSError:  # the other end was closed
            return
        received[0] += len(data)


if __name__ == "__main__":
    main()
