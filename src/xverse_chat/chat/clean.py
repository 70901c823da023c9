"""Text that every part of the program can hold. Standard library only."""

import re

_SURROGATE = re.compile("[\ud800-\udfff]")


def clean_text(text: str) -> str:
    """Return ``text`` as valid Unicode.

    Bytes that a terminal or pipe handed over as surrogate escapes are decoded as UTF-8; what is
    no UTF-8, and every other lone surrogate, becomes U+FFFD. Tokenizers and JSON refuse both.
    """
    try:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    except UnicodeEncodeError:
        return _SURROGATE.sub("\ufffd", text)
