from tests.terminal.markdown.rendering import committed, rows
from xverse_chat.terminal.markdown.blocks import Code
from xverse_chat.terminal.markdown.fence import (
    LEAST_SECTION_LINES,
    MOST_SECTION_CHARACTERS,
    MOST_SECTION_LINES,
)

FUNCTION = "def f(x):\n" + "    x += 1\n" * LEAST_SECTION_LINES


def sections(text: str) -> list[Code]:
    return [block for block in committed([text]) if isinstance(block, Code)]


def test_code_is_printed_in_sections_that_end_before_a_line_that_is_not_indented() -> None:
    found = sections(f"```python\n{FUNCTION}\n{FUNCTION}```\n")
    assert [len(code.lines) for code in found] == [LEAST_SECTION_LINES + 2, LEAST_SECTION_LINES + 1]
    assert [(code.is_first, code.is_last) for code in found] == [(True, False), (False, True)]


def test_sections_joined_are_the_code() -> None:
    code = f"{FUNCTION}\n{FUNCTION}\n\n{FUNCTION}"
    assert rows(f"```python\n{code}```") == ["python", *code.removesuffix("\n").split("\n")]


def test_no_section_ends_inside_what_goes_on_over_empty_lines() -> None:
    lines = "    a\n" * LEAST_SECTION_LINES
    for opening, closing in (('"""', '"""'), ("/*", "*/"), ("<!--", "-->"), ("`", "`")):
        body = f"{opening}\n{lines}\nb\n{closing}\n"
        assert len(sections(f"```js\n{body}```")) == 1


def test_very_long_code_is_printed_in_parts_wherever_it_is() -> None:
    found = sections("```\n" + "  x\n" * (2 * MOST_SECTION_LINES + 1))
    assert [len(code.lines) for code in found] == [MOST_SECTION_LINES, MOST_SECTION_LINES, 1]
    long = "  " + "x" * MOST_SECTION_CHARACTERS
    assert [code.lines for code in sections(f"```\n{long}\n  y")] == [(long,), ("  y",)]


def test_a_fence_is_closed_by_one_as_long_and_of_its_kind() -> None:
    assert rows("````md\n```\n~~~~\n````  \n甲") == ["md", "```", "~~~~", "", "甲"]
    assert rows("~~~ py title=x\n```\n~~~~~\n甲") == ["py title=x", "```", "", "甲"]
    assert rows("```\n    ```\n```\n甲") == ["    ```", "", "甲"]


def test_the_indent_of_the_fence_is_not_one_of_the_code() -> None:
    assert rows("  ```\n  a\n    b\n c\n  ```") == ["a", "  b", "c"]


def test_an_open_fence_ends_with_the_text() -> None:
    assert rows("```py\na") == ["py", "a"]
    assert rows("```py") == ["py"]
    assert rows("甲\n```") == ["甲", ""]
