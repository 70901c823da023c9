import pytest

from xverse_chat.chat.backend import Message
from xverse_chat.chat.export_markdown import to_markdown
from xverse_chat.chat.transcript import ExportLabels, Transcript

LABELS = ExportLabels(
    language="zh-CN",
    untitled="一段对话",
    system="系统提示",
    user="我",
    assistant="模型",
    interrupted="回答中断。",
    cut_off="达到上限。",
)


def markdown(*messages: Message, title: str = "天气") -> str:
    return to_markdown(Transcript(title, "", "demo", messages), LABELS)


def test_a_conversation_reads_as_it_went() -> None:
    text = markdown(
        Message("system", "简短"), Message("user", "你好"), Message("assistant", "**你好！**\n")
    )
    assert text == (
        "# 天气\n\ndemo\n\n## 系统提示\n\n简短\n\n## 我\n\n你好\n\n## 模型\n\n**你好！**\n"
    )


@pytest.mark.parametrize(
    ("content", "closing"),
    [
        ("```python\nx = 1", "\n```"),
        ("````\n```\n", "\n````"),
        ("~~~\n```", "\n~~~"),
        ("```\na\n```", ""),
        ("text ``` text", ""),
    ],
)
def test_a_code_block_left_open_does_not_swallow_the_next_message(
    content: str, closing: str
) -> None:
    text = markdown(Message("assistant", content, interrupted=True), Message("user", "next"))
    assert f"{content.rstrip()}{closing}\n\n*回答中断。*\n\n## 我\n\nnext\n" in text


def test_a_title_is_text_and_an_answer_that_was_cut_says_so() -> None:
    text = markdown(Message("assistant", "a", cut_off=True), title="<b> *x* #1")
    assert text.startswith(r"# \<b\> \*x\* \#1")
    assert "*达到上限。*" in text


def test_a_conversation_without_a_title_has_a_heading() -> None:
    assert markdown(title="").startswith("# 一段对话\n")


def test_no_control_character_is_written() -> None:
    text = markdown(Message("assistant", "a\x1b[2J\x9bb\r\nc"), title="t\x1b]0;x\x07")
    assert not [letter for letter in text if letter < " " and letter != "\n"]
    assert "a[2Jb\nc" in text
