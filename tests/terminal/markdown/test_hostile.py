"""What a model can write to hang, crash or mislead: nothing of it does."""

import time

import pytest
from hypothesis import given

from tests.terminal.markdown.rendering import TEXTS, committed, laid_out, rows

MEGABYTE = 1_000_000
HOSTILE = {
    "quotes 10,000 deep": (">" * 10_000 + " 甲\n") * 3,
    "quotes with spaces": "> " * 5000 + "甲\n",
    "a list 1000 deep": "".join("  " * level + "- 甲\n" for level in range(1000)),
    "numbers 1000 deep": "1. " * 1000 + "甲",
    "a table of 500 columns": "\n".join(["|甲" * 500, "|-" * 500, *["|甲" * 500] * 5]),
    "a table of many rows": "|甲|乙|\n|-|-|\n" + "|甲|乙|\n" * 20_000,
    "a row of bars": "|" * 100_000,
    "a megabyte without a newline": "甲" * (MEGABYTE // 3),
    "a megabyte of words": "word " * (MEGABYTE // 5),
    "a megabyte of newlines": "\n" * MEGABYTE,
    "an open fence": "```python\n" + "x = 1\n" * 20_000,
    "an open fence of one line": "```python\n" + "x" * MEGABYTE,
    "a long info string": "```" + "x" * 100_000,
    "many fences": "```\n" * 20_000,
    "brackets": "[" * 20_000 + "甲",
    "images": "![" * 10_000 + "甲",
    "links": "[a](b" * 10_000,
    "closed brackets": "[[]" * 10_000,
    "asterisks": "*a **b " * 10_000,
    "crossed markers": "*a_ " * 10_000,
    "runs of asterisks": "a**b" + "c* " * 10_000,
    "tildes": "~~a " * 10_000,
    "runs of backticks": "".join("`" * length + " " for length in range(1, 300)),
    "entities": "&lt;" * 20_000,
    "ampersands": "&" * 20_000,
    "angles": "<a" * 20_000,
    "backslashes": "\\" * 20_000,
    "formulas": "$a " * 20_000 + "\\(" * 10_000 + "\n$$" * 5000,
    "headings": "# 甲\n" * 10_000,
    "short lines": "甲\n" * 30_000,
    "quoted lines": "> 甲\n" * 20_000,
    "rules": "---\n" * 20_000,
    "joiners": "👩\u200d" * 50_000,
    "accents": "a" + "\u0301" * 100_000,
    "opening marks": "（" * 100_000 + "(" * 100_000,
    "spaces": " " * MEGABYTE + "甲",
    "a cell of backticks": "|a|b|\n|-|-|\n" + "|" + "`a" * 20_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_takes_long(name: str) -> None:
    began = time.process_time()
    shown = "".join(rows(HOSTILE[name]))
    assert time.process_time() - began < 2.5
    assert shown.count("甲") >= HOSTILE[name].count("甲")


@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_takes_long_that_comes_bit_by_bit(name: str) -> None:
    text = HOSTILE[name][:100_000]
    began = time.process_time()
    laid_out(committed([text[start : start + 5000] for start in range(0, len(text), 5000)]))
    assert time.process_time() - began < 4


@given(TEXTS)
def test_no_text_and_no_width_is_refused(text: str) -> None:
    for width in (2, 3, 10, 200):
        rows(text, width)
