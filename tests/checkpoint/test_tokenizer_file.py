import json
from typing import Any

import pytest
from tokenizers import Tokenizer

from tests.hub.upstream_tokenizer import upstream_tokenizer
from xverse_chat.checkpoint.tokenizer_file import mend_tokenizer, special_tokens
from xverse_chat.errors import DataError


def load(data: dict[str, Any]) -> Tokenizer:
    return Tokenizer.from_str(json.dumps(data))


def test_the_tokenizer_as_published_is_refused_and_the_mended_one_reads() -> None:
    data = upstream_tokenizer()
    with pytest.raises(Exception, match="prepend_scheme"):
        load(data)
    tokenizer = load(mend_tokenizer(data))
    encoded = tokenizer.encode("hello hello你 ", add_special_tokens=False)
    assert tokenizer.decode(encoded.ids) == "hello hello你 "
    assert not encoded.tokens[0].startswith("▁")  # nothing is put before the text


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
    assert mend_tokenizer({**upstream_tokenizer(), "decoder": metaspace})["decoder"] == metaspace


@pytest.mark.parametrize(
    "model", [None, [], {"type": "BPE"}, {"type": "WordPiece", "vocab": {}}, {"vocab": []}]
)
def test_what_is_no_byte_pair_tokenizer_is_refused(model: Any) -> None:
    with pytest.raises(DataError, match=r"tokenizer\.json"):
        mend_tokenizer({**upstream_tokenizer(), "model": model})


def test_special_tokens_are_found_by_id() -> None:
    ids = {"pad_token_id": 1, "bos_token_id": None, "eos_token_id": 3}
    found = special_tokens(upstream_tokenizer(), ids)
    assert found == {"pad_token": "<pad>", "eos_token": "<|endoftext|>"}


def test_an_id_without_a_token_is_refused() -> None:
    with pytest.raises(DataError, match="no token 999"):
        special_tokens(upstream_tokenizer(), {"eos_token_id": 999})
