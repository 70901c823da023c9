"""The tokenizer of a model folder or an upstream folder, and decoding as tokens come.

No class from a model repository: one ``tokenizer.json``, mended. The library that transformers
wraps is used as it is: importing transformers takes as long as loading a model.
"""

import codecs
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokenizers import Tokenizer

from xverse_chat.checkpoint.config_file import read_config, read_generation_config
from xverse_chat.checkpoint.json_file import REPAIR_HINT, read_json
from xverse_chat.checkpoint.tokenizer_file import (
    CONTROL_TOKENS,
    mend_tokenizer,
    special_tokens,
    tokenizer_config,
)
from xverse_chat.errors import DataError
from xverse_chat.wording import say

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

_BYTE_TOKEN = re.compile(r"<0x([0-9A-F]{2})>")


class TextTokenizer:
    """Text to token ids and back. ``control_ids`` have no text and come from no text."""

    def __init__(self, backend: Tokenizer, control_ids: frozenset[int]) -> None:
        self._backend = backend
        self.control_ids = control_ids

    @classmethod
    def of(cls, tokenizer: "PreTrainedTokenizerFast") -> "TextTokenizer":
        """Return the same tokenizer without transformers' wrapper."""
        return cls(tokenizer.backend_tokenizer, frozenset(tokenizer.all_special_ids))

    def encode(self, text: str) -> list[int]:
        """Return the ids of ``text``; what looks like a control token in it is text.

        Raises DataError for a tokenizer that turns text into one of its control tokens all the
        same.
        """
        self._backend.encode_special_tokens = True  # a wrapper around it may have switched it off
        ids: list[int] = self._backend.encode(text, add_special_tokens=False).ids
        if not self.control_ids.isdisjoint(ids):
            raise DataError(
                say(
                    "The tokenizer makes a control token of plain text, so the message was not "
                    "sent."
                ),
                hint=REPAIR_HINT,
            )
        return ids

    def token(self, token_id: int) -> str | None:
        """Return the token as the vocabulary spells it; None where it has none of that id."""
        token: str | None = self._backend.id_to_token(token_id)
        return token

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of ``ids``, without control tokens."""
        text: str = self._backend.decode(list(ids), skip_special_tokens=True)
        return text


class IncrementalDecoder:
    """Text from tokens one by one. The pieces joined are the text of all tokens.

    Bytes of an unfinished character are held back; control tokens have no text. ``after`` are
    tokens of text that the first one goes on from.
    """

    def __init__(self, tokenizer: TextTokenizer, *, after: Sequence[int] = ()) -> None:
        self._tokenizer = tokenizer
        self._control_ids = tokenizer.control_ids
        self._utf8 = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._previous = next((one for one in reversed(after) if self._is_text(one)), None)

    def push(self, token_id: int) -> str:
        """Return the text that ``token_id`` completes; may be empty."""
        if token_id in self._control_ids:
            return ""
        token = self._tokenizer.token(token_id)
        if token is None:  # the model has more rows than the tokenizer tokens
            return ""
        if byte := _BYTE_TOKEN.fullmatch(token):
            return self._utf8.decode(bytes([int(byte[1], 16)]))
        unfinished = self.flush()
        # Decoded behind the token before it: a decoder may drop the space of a text's first token.
        anchor = [] if self._previous is None else [self._previous]
        decode = self._tokenizer.decode
        before, both = decode(anchor), decode([*anchor, token_id])
        self._previous = token_id
        return unfinished + both[len(before) :]

    def flush(self) -> str:
        """Return what was held back, as U+FFFD, and be ready for another character."""
        text = self._utf8.decode(b"", final=True)
        self._utf8.reset()
        return text

    def _is_text(self, token_id: int) -> bool:
        token = self._tokenizer.token(token_id)
        return (
            token is not None
            and token_id not in self._control_ids
            and not _BYTE_TOKEN.fullmatch(token)
        )


def load_text_tokenizer(folder: Path) -> TextTokenizer:
    """Load the tokenizer of a model folder or an upstream folder.

    Raises DataError when it is damaged or does not belong to the model: more tokens than the
    model has, or no text for its end-of-text id.
    """
    backend, settings = _load(folder)
    controls = [settings[name] for name in CONTROL_TOKENS if name in settings]
    backend.add_special_tokens(controls)
    ids = (backend.token_to_id(token) for token in controls)
    return TextTokenizer(backend, frozenset(number for number in ids if number is not None))


def load_tokenizer(folder: str | Path) -> "PreTrainedTokenizerFast":
    """Load the same tokenizer in transformers' plain wrapper, as ``model.chat()`` takes it.

    Raises DataError as ``load_text_tokenizer`` does.
    """
    from transformers import PreTrainedTokenizerFast

    backend, settings = _load(Path(folder))
    return PreTrainedTokenizerFast(tokenizer_object=backend, **settings)


def _load(folder: Path) -> tuple[Tokenizer, dict[str, Any]]:
    """Return the library's tokenizer, and what transformers' wrapper is to know of it."""
    data = mend_tokenizer(read_json(folder / "tokenizer.json"))
    config = read_config(folder)
    token_ids = read_generation_config(folder, config)
    settings = tokenizer_config(
        special_tokens(data, token_ids), context_tokens=config["max_position_embeddings"]
    )
    del settings["tokenizer_class"], settings["add_bos_token"], settings["add_eos_token"]
    try:
        backend = Tokenizer.from_str(json.dumps(data))
    except Exception as error:  # the library raises nothing more definite
        raise DataError(
            say("{path} is damaged: it is no tokenizer.", path=folder / "tokenizer.json"),
            hint=REPAIR_HINT,
        ) from error
    if (count := backend.get_vocab_size()) > config["vocab_size"]:
        raise DataError(
            say(
                "{path} does not belong to this model: it has {count} tokens, the model "
                "{vocab_size}.",
                path=folder / "tokenizer.json",
                count=count,
                vocab_size=config["vocab_size"],
            ),
            hint=REPAIR_HINT,
        )
    return backend, settings
