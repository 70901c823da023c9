"""What a reply took, in words. Standard library only."""

from xverse_chat.chat.backend import Finish
from xverse_chat.terminal.texts import Texts


def statistics(finish: Finish, texts: Texts) -> str:
    """Return what a reply took, in one line."""
    count = finish.usage.completion_tokens
    parts = [
        (texts.statistics_token if count == 1 else texts.statistics_tokens).format(count=count)
    ]
    rate = finish.timings.decode_tokens_per_s
    if rate is not None:
        parts.append(
            texts.statistics_rate.format(rate=f"{rate:.0f}" if rate >= 10 else f"{rate:.1f}")
        )
    if count:
        parts.append(texts.statistics_first.format(seconds=f"{finish.timings.first_token_s:.2f}"))
    return " · ".join(parts)
