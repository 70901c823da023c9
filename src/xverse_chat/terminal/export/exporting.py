"""Which file a conversation becomes: its name says it."""

from collections.abc import Callable, Mapping
from pathlib import Path

from xverse_chat.chat.export_json import to_json
from xverse_chat.chat.export_markdown import to_markdown
from xverse_chat.chat.new_file import write_new_file
from xverse_chat.chat.transcript import ExportLabels, Transcript
from xverse_chat.errors import UsageError
from xverse_chat.terminal.export.html_page import to_page
from xverse_chat.terminal.texts import Texts
from xverse_chat.wording import say

_MAKERS: Mapping[str, Callable[[Transcript, ExportLabels], str]] = {
    ".md": to_markdown,
    ".json": lambda transcript, labels: to_json(transcript),
    ".html": to_page,
}
SUFFIXES = tuple(_MAKERS)


def export(transcript: Transcript, path: Path, texts: Texts, *, may_replace: bool = False) -> None:
    """Write a conversation into a file: Markdown, JSON or HTML, by the end of its name.

    Raises UsageError for another name, an empty conversation, and a file that is there already
    and may not be replaced; CannotCreateError and DiskError where it cannot be written.
    """
    make = _MAKERS.get(path.suffix.lower())
    if make is None:
        raise UsageError(
            say("An export is a file that ends in {suffixes}.", suffixes=" ".join(SUFFIXES)),
            hint=say("Add one of these to the name."),
        )
    if not any(message.role != "system" for message in transcript.messages):
        raise UsageError(say("Nothing was said yet that could be exported."))
    write_new_file(path, make(transcript, export_labels(texts)), may_replace=may_replace)


def export_labels(texts: Texts) -> ExportLabels:
    """Return the words of an export in the language of the texts."""
    return ExportLabels(
        language="zh-CN" if texts.language == "zh" else "en",
        untitled=texts.export_untitled,
        system=texts.export_system,
        user=texts.export_user,
        assistant=texts.export_assistant,
        interrupted=texts.export_interrupted,
        cut_off=texts.export_cut_off,
    )
