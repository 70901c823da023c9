"""``tokenizer.json``: the mend without which current tokenizers refuse upstream's file.

Standard library only.
"""

import copy
from collections.abc import Mapping
from typing import Any

from xverse_chat.checkpoint.prompt_text import CHAT_TEMPLATE
from xverse_chat.errors import DataError
from xverse_chat.wording import say

# The keys of tokenizer_config.json that name them.
CONTROL_TOKENS = ("pad_token", "bos_token", "eos_token")


def mend_tokenizer(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of a ``tokenizer.json`` that every version of tokenizers from 0.13.3 reads.

    Since 0.19 (huggingface/tokenizers#1476) a Metaspace without ``prepend_scheme`` means
    "always", which contradicts upstream's ``add_prefix_space: false``. Token ids stay the same.
    Raises DataError when ``data`` is no byte-pair tokenizer.
    """
    model = data.get("model")
    if not isinstance(model, dict) or not isinstance(model.get("vocab"), dict):
        raise DataError(say("tokenizer.json is damaged: it holds no vocabulary."))
    if model.get("type", "BPE") != "BPE":
        raise DataError(
            say(
                "tokenizer.json is refused: its model is {kind!r}, XVERSE's is BPE.",
                kind=model.get("type"),
            )
        )
    mended = copy.deepcopy(dict(data))
    _mend(mended.get("pre_tokenizer"))
    _mend(mended.get("decoder"))
    return mended


def tokenizer_config(special_tokens: Mapping[str, str], *, context_tokens: int) -> dict[str, Any]:
    """Return the ``tokenizer_config.json`` of a model folder.

    ``special_tokens`` maps names such as ``eos_token`` to the token's text.
    """
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        **special_tokens,
        "add_bos_token": False,
        "add_eos_token": False,
        # Where it is on, decoding deletes spaces before punctuation, which harms code.
        "clean_up_tokenization_spaces": False,
        "model_max_length": context_tokens,
        "chat_template": CHAT_TEMPLATE,
    }


def special_tokens(
    tokenizer: Mapping[str, Any], token_ids: Mapping[str, int | None]
) -> dict[str, str]:
    """Return the text of each special token, found by its id.

    ``tokenizer`` is a ``tokenizer.json``; ``token_ids`` has ``pad_token_id``, ``bos_token_id`` and
    ``eos_token_id``. Raises DataError when an id has no token.
    """
    texts = {token_id: text for text, token_id in tokenizer["model"]["vocab"].items()}
    for token in tokenizer.get("added_tokens") or ():
        texts[token["id"]] = token["content"]
    found = {}
    for name in CONTROL_TOKENS:
        token_id = token_ids.get(f"{name}_id")
        if token_id is None:
            continue
        if not isinstance(text := texts.get(token_id), str):
            raise DataError(
                say(
                    "tokenizer.json is damaged: it has no token {token_id} for {name}.",
                    token_id=token_id,
                    name=name,
                )
            )
        found[name] = text
    return found


def _mend(node: Any) -> None:
    """Give every Metaspace below ``node`` the scheme that it always had."""
    if isinstance(node, dict):
        if node.get("type") == "Metaspace" and node.get("add_prefix_space") is False:
            node.setdefault("prepend_scheme", "never")  # 0.13 to 0.15 read add_prefix_space
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            _mend(child)
