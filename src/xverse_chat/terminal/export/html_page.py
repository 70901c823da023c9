"""A conversation as one HTML page: no script, nothing fetched, everything that was said escaped."""

from html import escape

from xverse_chat.chat.backend import Message
from xverse_chat.chat.transcript import ExportLabels, Transcript, without_controls
from xverse_chat.terminal.export.markup import code_style, to_html
from xverse_chat.terminal.export.page_style import PAGE_STYLE

# A browser runs and fetches nothing for this page, whatever is in it.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def to_page(transcript: Transcript, labels: ExportLabels) -> str:
    """Return the whole page."""
    title = escape(without_controls(transcript.title) or labels.untitled)
    sections = "\n".join(_section(message, labels) for message in transcript.messages)
    return f"""\
<!DOCTYPE html>
<html lang="{escape(labels.language)}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>{title}</title>
<style>
{PAGE_STYLE}{code_style()}
</style>
</head>
<body>
<header>
<h1>{title}</h1>
<p>{escape(without_controls(transcript.facts))}</p>
</header>
<main>
{sections}
</main>
</body>
</html>
"""


def _section(message: Message, labels: ExportLabels) -> str:
    content = without_controls(message.content).strip("\n")
    said = to_html(content) if message.role == "assistant" else escape(content)
    ending = labels.ending(message)
    told = f'\n<p class="ending">{escape(ending)}</p>' if ending else ""
    return (
        f'<section class="{message.role}">\n'
        f'<p class="speaker">{escape(labels.speaker(message))}</p>\n'
        f'<div class="said">{said}</div>{told}\n'
        "</section>"
    )
