"""A conversation as a Markdown file. Standard library only.

What was said is Markdown already and stands in it as it is; only what would spill into the next
message, a code block left open, is closed.
"""

import re

from xverse_chat.chat.backend import Message
from xverse_chat.chat.title import shorten
from xverse_chat.chat.transcript import ExportLabels, Transcript, without_controls

_FENCE = re.compile(r" {0,3}(`{3,}(?=[^`]*$)|~{3,})(.*)")
_TITLE_COLUMNS = 200
_SPECIAL = re.compile(r"([\\`*_\[\]<>#])")


def to_markdown(transcript: Transcript, labels: ExportLabels) -> str:
    """Return the whole file."""
    title = shorten(transcript.title, _TITLE_COLUMNS) or labels.untitled
    head = (f"# {_escaped(title)}", _escaped(without_controls(transcript.facts)))
    parts = [*filter(None, head)]
    parts += [_part(message, labels) for message in transcript.messages]
    return "\n\n".join(parts) + "\n"


def _part(message: Message, labels: ExportLabels) -> str:
    content = without_controls(message.content).strip("\n")
    parts = [f"## {labels.speaker(message)}", content + _closing_fence(content)]
    if ending := labels.ending(message):
        parts.append(f"*{ending}*")
    return "\n\n".join(filter(None, parts))


def _closing_fence(content: str) -> str:
    """Return the line that ends a code block which was left open; nothing where none is."""
    fence = ""
    for line in content.split("\n"):
        found = _FENCE.fullmatch(line)
        if found is None:
            continue
        if not fence:
            fence = found[1]
        elif found[1].startswith(fence) and not found[2].strip():
            fence = ""
    return f"\n{fence}" if fence else ""


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", text)
