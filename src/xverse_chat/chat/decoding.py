"""Text from bytes of which nobody said how they are encoded. Standard library only.

Chinese text files are UTF-8, or from before that time: GBK or GB18030, which an editor on Windows
still writes as "ANSI". The latter reads nearly any bytes as something, so what comes out must
also look like Chinese.
"""

import codecs

UTF8, UTF16, GB18030 = "UTF-8", "UTF-16", "GB18030"

_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
# Of the characters that are no ASCII, so many are in GB2312: the 6763 most frequent ones and
# punctuation. Western text in an 8-bit encoding, and Big5, have far fewer.
_LEAST_COMMON_SHARE = 0.9
_CONTROLS = [chr(code) for code in (*range(32), 127) if chr(code) not in "\t\n\r\f\x1b"]
# A text of old may hold a form feed or a colour; a picture or a program holds hundreds of these.
_MOST_CONTROLS_SHARE = 0.02


def decode(content: bytes) -> tuple[str, str] | None:
    """Return the text that ``content`` is and the name of its encoding; None if it is no text.

    A byte order mark is left out.
    """
    if content.startswith(_UTF16_MARKS):
        found = _decode(content, "utf-16"), UTF16
    elif (text := _decode(content, "utf-8-sig")) is not None:
        found = text, UTF8
    else:
        found = _decode_chinese(content), GB18030
    text, encoding = found
    return None if text is None or _is_binary(text) else (text, encoding)


def _decode(content: bytes, encoding: str) -> str | None:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        return None


def _decode_chinese(content: bytes) -> str | None:
    text = _decode(content, "gb18030")
    if text is None:
        return None
    foreign = "".join(character for character in text if character >= "\x80")
    common = len(foreign.encode("gb2312", "ignore")) // 2
    return text if common >= _LEAST_COMMON_SHARE * len(foreign) else None


def _is_binary(text: str) -> bool:
    return "\0" in text or sum(map(text.count, _CONTROLS)) > _MOST_CONTROLS_SHARE * len(text)
