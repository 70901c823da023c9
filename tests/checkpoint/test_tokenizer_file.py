from typing import Any

import pytest
from tokenizers import Tokenizer

from xverse_chat.checkpoint.tokenizer_file import mend_tokenizer, special_tokens
from xverse_chat.errors import DataError


def upstream_tokenizer(**changes: Any) -> dict[str, Any]:
    """A tokenizer.json in upstream's form, with few tokens and a nested pre-tokenizer."""
    specials = ["<unk>", "<pad>", "<|startoftext|>", "<|endoftext|>"]
    words = [*specials, *(f"<0x{byte:02X}>" for byte in range(256)), "▁", "h", "i", "hi", "▁hi"]
    metaspace = {"type": "Metaspace", "replacement": "▁", "add_prefix_space": False}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {
                "id": number,
                "content": text,
                "single_word": False,
                "lstrip": False,
                "rstrip": False,
                "normalized": False,
                "special": True,
            }
            for number, text in enumerate(specials)
        ],
        "normalizer": None,
        "pre_tokenizer": {
            "type": "Sequence",
            "pretokenizers": [{"type": "Digits", "individual_digits": True}, dict(metaspace)],
        },
        "post_processor": None,
        "decoder": {"type": "Sequence", "decoders": [{"type": "ByteFallback"}, dict(metaspace)]},
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": "<unk>",
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": True,
            "byte_fallback": True,
            "vocab": {word: number for number, word in enumerate(words)},
            "merges": ["h i", "▁ hi"],
        },
        **changes,
    }


def load(data: dict[str, Any]) -> Tokenizer:
    import json

    return Tokenizer.from_str(json.dumps(data))


def test_the_tokenizer_as_published_is_refused_and_the_mended_one_reads() -> None:
    data = upstream_tokenizer()
    with pytest.raises(Exception, match="prepend_scheme"):
        load(data)
    tokenizer = load(mend_tokenizer(data))
    ids = tokenizer.encode("hi hi你", add_special_tokens=False).ids
    assert tokenizer.decode(ids) == "hi hi你"
    assert [tokenizer.id_to_token(number) for number in ids[:2]] == ["hi", "▁hi"]


def test_mending_changes_a_copy_and_nothing_that_needs_no_mend() -> None:
    data = upstream_tokenizer()
    mended = mend_tokenizer(data)
    assert data == upstream_tokenizer()
    assert mend_tokenizer(mended) == mended
    assert mended["model"] == data["model"]
    assert mended["decoder"]["decoders"][1]["add_prefix_space"] is False


def test_a_scheme_that_is_given_is_kept() -> None:
    metaspace = {
        "type": "Metaspace",
        "replacement": "▁",
        "add_prefix_space": False,
        "prepend_scheme": "first",
    }
    assert mend_tokenizer(upstream_tokenizer(decoder=metaspace))["decoder"] == metaspace


@pytest.mark.parametrize(
    "model", [None, [], {"type": "BPE"}, {"type": "WordPiece", "vocab": {}}, {"vocab": []}]
)
def test_what_is_no_byte_pair_tokenizer_is_refused(model: Any) -> None:
    with pytest.raises(DataError, match=r"tokenizer\.json"):
        mend_tokenizer(upstream_tokenizer(model=model))


def test_special_tokens_are_found_by_id() -> None:
    ids = {"pad_token_id": 1, "bos_token_id": None, "eos_token_id": 3}
    found = special_tokens(upstream_tokenizer(), ids)
    assert found == {"pad_token": "<pad>", "eos_token": "<|endoftext|>"}


def test_an_id_without_a_token_is_refused() -> None:
    with pytest.raises(DataError, match="no token 999"):
        special_tokens(upstream_tokenizer(), {"eos_token_id": 999})
