"""The line at the foot of the screen: what answers, how full its context is, how fast it was."""

from dataclasses import dataclass

from rich.cells import cell_len

from xverse_chat.terminal.sanitise import sanitise_line
from xverse_chat.terminal.texts import Texts

_BETWEEN = " · "


@dataclass(frozen=True, slots=True)
class Status:
    """What is known between two messages; ``context_tokens`` 0 and None stand for not yet."""

    model_id: str
    precision: str
    used_tokens: int = 0
    context_tokens: int = 0
    tokens_per_s: float | None = None


def status_line(status: Status, columns: int, texts: Texts) -> str:
    """Return the line in at most ``columns``: what matters least goes first, the context last."""
    name, precision = sanitise_line(status.model_id), sanitise_line(status.precision)
    own_name = name.rstrip("/").rpartition("/")[2]  # without its owner or its folders
    figures = _figures(status)
    rate = short_rate(status.tokens_per_s) if status.tokens_per_s is not None else ""
    context = texts.status_context.format(figures=figures) if figures else ""
    # From the fullest to the shortest.
    ways = (
        (name, precision, context, rate),
        (own_name, precision, context, rate),
        (own_name, context, rate),
        (own_name, context),
        (context or own_name,),
        (figures,),
    )
    lines = (_BETWEEN.join(part for part in way if part) for way in ways)
    return next((line for line in lines if cell_len(line) <= columns), "")


def short_count(tokens: int) -> str:
    """Return a number of tokens in a few characters: ``812``, ``3.1k``, ``8k``, ``131k``."""
    if tokens < 1000:
        return str(tokens)
    # Contexts are powers of two: 8192 tokens are known as 8k.
    thousands = tokens / (1024 if tokens % 1024 == 0 else 1000)
    return f"{thousands:.0f}k" if thousands >= 99.95 else f"{thousands:.1f}k".replace(".0k", "k")


def _figures(status: Status) -> str:
    if not status.context_tokens:
        return ""
    return f"{short_count(status.used_tokens)} / {short_count(status.context_tokens)}"


def short_rate(tokens_per_s: float) -> str:
    """Return how fast an answer came."""
    return f"{tokens_per_s:.0f} tok/s" if tokens_per_s >= 10 else f"{tokens_per_s:.1f} tok/s"
