from tests.terminal.markdown.rendering import committed, laid_out, rows
from xverse_chat.terminal.markdown.blocks import Code
from xverse_chat.terminal.markdown.committer import Committer
from xverse_chat.terminal.markdown.fence import (
    LEAST_SECTION_LINES,
    MOST_OPEN_LINES,
    MOST_SECTION_CHARACTERS,
    MOST_SECTION_LINES,
)
from xverse_chat.terminal.markdown.highlighting import highlight

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
        found = sections(f"```js\n{body}```")
        assert len([code for code in found if not code.context]) == 1


def test_the_beginning_of_a_long_section_is_printed_while_it_comes() -> None:
    committer = Committer()
    committer.add("```python\nclass A:\n" + "    x = 1\n" * MOST_OPEN_LINES)
    (part,) = committer.finished()
    (rest,) = committer.rest()
    assert isinstance(part, Code)
    assert isinstance(rest, Code)
    assert (len(part.lines), part.is_first, part.context) == (MOST_OPEN_LINES, True, ())
    assert (rest.lines, rest.is_first, rest.context) == (("    x = 1",), False, part.lines)


def test_a_part_is_coloured_as_the_whole_is() -> None:
    code = 'text = """\n' + "return 1\n" * 100 + '"""\nreturn 2\n'
    lines = laid_out(committed([f"```python\n{code}```"]))[1:]
    assert lines == highlight(code.removesuffix("\n").split("\n"), "python")


def test_reading_parts_again_and_again_remains_a_few_times() -> None:
    found = sections("```py\n" + "  x\n" * MOST_SECTION_LINES)
    read = sum(len(code.context) + len(code.lines) for code in found)
    assert read <= 6 * MOST_SECTION_LINES
    assert max(len(code.lines) for code in found) <= MOST_SECTION_LINES // 4 + 1


def test_very_long_code_has_no_more_context_than_a_section() -> None:
    found = sections("```\n" + "  x\n" * (2 * MOST_SECTION_LINES + 1))
    assert sum(len(code.lines) for code in found) == 2 * MOST_SECTION_LINES + 1
    assert max(len(code.context) + len(code.lines) for code in found) == MOST_SECTION_LINES
    assert [len(code.lines) for code in found if not code.context] == [16, 16, 1]
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
