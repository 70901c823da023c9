"""Markdown on a terminal, made for Chinese: from streamed text to lines of styled text."""
