import json
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from transformers import PreTrainedTokenizerFast

from tests.hub.upstream_tokenizer import upstream_tokenizer
from xverse_chat.engine.tokenizer import IncrementalDecoder, encode_text, load_tokenizer
from xverse_chat.errors import DataError


def pieces(tokenizer: PreTrainedTokenizerFast, ids: list[int]) -> list[str]:
    decoder = IncrementalDecoder(tokenizer)
    return [*(decoder.push(token_id) for token_id in ids), decoder.flush()]


words = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("你好🎉é ▁\n 1"))


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(words)
def test_pieces_joined_are_the_text(tokenizer: PreTrainedTokenizerFast, text: str) -> None:
    ids = encode_text(tokenizer, text)
    assert "".join(pieces(tokenizer, ids)) == tokenizer.decode(ids, skip_special_tokens=True)


def test_nothing_is_lost_on_the_way_to_ids_and_back(tokenizer: PreTrainedTokenizerFast) -> None:
    text = "  Hello, 世界! 🎉\tتجربة  \n\n123 <|endoftext|> x ."
    assert "".join(pieces(tokenizer, encode_text(tokenizer, text))) == text


def test_an_unfinished_character_is_held_back(tokenizer: PreTrainedTokenizerFast) -> None:
    said = pieces(tokenizer, encode_text(tokenizer, "你🎉"))
    assert [piece for piece in said if piece] == ["你", "🎉"]


def test_bytes_that_are_no_character_become_replacements(
    tokenizer: PreTrainedTokenizerFast,
) -> None:
    first_of_two = tokenizer.convert_tokens_to_ids("<0xE4>")
    hello = encode_text(tokenizer, "hello")
    assert "".join(pieces(tokenizer, [first_of_two, *hello])) == "\ufffdhello"
    assert "".join(pieces(tokenizer, [*hello, first_of_two])) == "hello\ufffd"


def test_control_tokens_and_ids_without_a_token_have_no_text(
    tokenizer: PreTrainedTokenizerFast,
) -> None:
    hello = encode_text(tokenizer, "hello")
    assert "".join(pieces(tokenizer, [1, *hello, 2, 511, *hello, 3])) == "hellohello"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{}", "no vocabulary"),
        ("not json", "not JSON"),
        (json.dumps({**upstream_tokenizer(), "decoder": {"type": "Unknown"}}), "no tokenizer"),
    ],
)
def test_a_damaged_tokenizer_is_refused(
    content: str, told: str, upstream: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(upstream, tmp_path / "copy")
    (folder / "tokenizer.json").write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=told):
        load_tokenizer(folder)


def test_a_tokenizer_of_another_model_is_refused(upstream: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(upstream, tmp_path / "copy")
    data = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    data["model"]["vocab"] |= {f"extra{number}": 1000 + number for number in range(600)}
    (folder / "tokenizer.json").write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(DataError, match="the model 512"):
        load_tokenizer(folder)


def test_a_tokenizer_that_makes_control_tokens_of_text_is_not_trusted(
    upstream: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(upstream, tmp_path / "copy")
    data = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    data["model"]["ignore_merges"] = True  # a whole word of the vocabulary is one token
    (folder / "tokenizer.json").write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(DataError, match="control token"):
        encode_text(load_tokenizer(folder), "<|endoftext|>")


def test_text_that_goes_on_begins_where_the_text_before_it_ended(
    tokenizer: PreTrainedTokenizerFast,
) -> None:
    whole = "Hello there, my 好 friend"
    ids = encode_text(tokenizer, whole)
    for cut in range(1, len(ids)):
        before = "".join(pieces(tokenizer, ids[:cut]))
        decoder = IncrementalDecoder(tokenizer, after=ids[:cut])
        after = "".join(map(decoder.push, ids[cut:])) + decoder.flush()
        if "\ufffd" not in before:  # a cut inside a character loses that one
            assert before + after == whole
