"""The words around a summary, in the language of the conversation. Standard library only."""

import re
from collections.abc import Iterable

from xverse_chat.chat.backend import Message

_CHINESE = re.compile("[\u3400-\u9fff]")

_MARK_ZH = "【前文摘要】较早的对话已略去原文，内容如下："
_MARK_EN = "[Summary of the earlier conversation, whose words were left out]"

_REQUEST_ZH = (
    "请暂停对话，为以上全部内容写一份摘要，供你自己之后参考。写明：用户的姓名、身份和偏好，"
    "谈过的事实、数字和结论，已约定的事和还没有回答的问题。"
    "只写要点，不要寒暄，不要超过 {words} 字。"
)
_REQUEST_EN = (
    "Please pause the conversation and write a summary of everything above, for your own later "
    "use. State: the user's name and preferences; the facts, figures and conclusions; what was "
    "agreed and what is still open. Points only, no greeting, at most {words} words."
)


def with_summary(system: str, summary: str) -> str:
    """Return the system text with the summary behind it, marked as what it is."""
    if not summary:
        return system
    marked = f"{_MARK_ZH if is_chinese(summary) else _MARK_EN}\n{summary}"
    return f"{system}\n\n{marked}" if system else marked


def summary_request(messages: Iterable[Message], *, tokens: int) -> str:
    """Return what asks the model for a summary that fits into ``tokens``."""
    text = "".join(message.content for message in messages)
    # A token holds about 1.5 Chinese characters, or three quarters of an English word.
    return (
        _REQUEST_ZH.format(words=tokens)
        if is_chinese(text)
        else _REQUEST_EN.format(words=tokens // 2)
    )


def is_chinese(text: str) -> bool:
    """Tell whether there is Chinese in a text."""
    return _CHINESE.search(text) is not None
