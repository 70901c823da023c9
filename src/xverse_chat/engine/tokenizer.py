"""The tokenizer of a model folder or an upstream folder, and decoding as tokens come.

No class from a model repository: one ``tokenizer.json``, mended, in transformers' plain wrapper.
"""

import codecs
import json
import re
from pathlib import Path

from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

from xverse_chat.checkpoint.config_file import read_config, read_generation_config
from xverse_chat.checkpoint.json_file import REPAIR_HINT, read_json
from xverse_chat.checkpoint.tokenizer_file import (
    mend_tokenizer,
    special_tokens,
    tokenizer_config,
)
from xverse_chat.errors import DataError
from xverse_chat.wording import say

_BYTE_TOKEN = re.compile(r"<0x([0-9A-F]{2})>")


def load_tokenizer(folder: str | Path) -> PreTrainedTokenizerFast:
    """Load the tokenizer of a model folder or an upstream folder.

    Raises DataError when it is damaged or does not belong to the model: more tokens than the
    model has, or no text for its end-of-text id.
    """
    folder = Path(folder)
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
    return PreTrainedTokenizerFast(tokenizer_object=backend, **settings)


def encode_text(tokenizer: PreTrainedTokenizerFast, text: str) -> list[int]:
    """Return the ids of ``text``; what looks like a control token in it is text.

    Raises DataError for a tokenizer that turns text into one of its control tokens all the same.
    """
    ids: list[int] = tokenizer(
        text, add_special_tokens=False, split_special_tokens=True, verbose=False
    )["input_ids"]
    if not set(tokenizer.all_special_ids).isdisjoint(ids):
        raise DataError(
            say("The tokenizer makes a control token of plain text, so the message was not sent."),
            hint=REPAIR_HINT,
        )
    return ids


class IncrementalDecoder:
    """Text from tokens one by one. The pieces joined are the text of all tokens.

    Bytes of an unfinished character are held back; control tokens have no text.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerFast) -> None:
        self._tokenizer = tokenizer
        self._control_ids = frozenset(tokenizer.all_special_ids)
        self._utf8 = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._previous: int | None = None

    def push(self, token_id: int) -> str:
        """Return the text that ``token_id`` completes; may be empty."""
        if token_id in self._control_ids:
            return ""
        token = self._tokenizer.convert_ids_to_tokens(token_id)
        if token is None:  # the model has more rows than the tokenizer tokens
            return ""
        if byte := _BYTE_TOKEN.fullmatch(token):
            return self._utf8.decode(bytes([int(byte[1], 16)]))
        unfinished = self.flush()
        # Decoded behind the token before it: a decoder may drop the space of a text's first token.
        anchor = [] if self._previous is None else [self._previous]
        before, both = self._decode(anchor), self._decode([*anchor, token_id])
        self._previous = token_id
        return unfinished + both[len(before) :]

    def flush(self) -> str:
        """Return what was held back, as U+FFFD, and be ready for another character."""
        text = self._utf8.decode(b"", final=True)
        self._utf8.reset()
        return text

    def _decode(self, ids: list[int]) -> str:
        text: str = self._tokenizer.decode(ids, skip_special_tokens=True)
        return text
