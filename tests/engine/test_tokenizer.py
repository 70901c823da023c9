import json
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.hub.upstream_tokenizer import upstream_tokenizer
from xverse_chat.engine.tokenizer import (
    IncrementalDecoder,
    TextTokenizer,
    load_text_tokenizer,
    load_tokenizer,
)
from xverse_chat.errors import DataError


def pieces(text_tokenizer: TextTokenizer, ids: list[int]) -> list[str]:
    decoder = IncrementalDecoder(text_tokenizer)
    return [*(decoder.push(token_id) for token_id in ids), decoder.flush()]


words = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("你好🎉é ▁\n 1"))


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(words)
def test_pieces_joined_are_the_text(text_tokenizer: TextTokenizer, text: str) -> None:
    ids = text_tokenizer.encode(text)
    assert "".join(pieces(text_tokenizer, ids)) == text_tokenizer.decode(ids)


def test_nothing_is_lost_on_the_way_to_ids_and_back(text_tokenizer: TextTokenizer) -> None:
    text = "  Hello, 世界! 🎉\tتجربة  \n\n123 <|endoftext|> x ."
    assert "".join(pieces(text_tokenizer, text_tokenizer.encode(text))) == text


def test_an_unfinished_character_is_held_back(text_tokenizer: TextTokenizer) -> None:
    said = pieces(text_tokenizer, text_tokenizer.encode("你🎉"))
    assert [piece for piece in said if piece] == ["你", "🎉"]


def test_bytes_that_are_no_character_become_replacements(
    text_tokenizer: TextTokenizer,
) -> None:
    first_of_two = next(n for n in range(512) if text_tokenizer.token(n) == "<0xE4>")
    hello = text_tokenizer.encode("hello")
    assert "".join(pieces(text_tokenizer, [first_of_two, *hello])) == "\ufffdhello"
    assert "".join(pieces(text_tokenizer, [*hello, first_of_two])) == "hello\ufffd"


def test_control_tokens_and_ids_without_a_token_have_no_text(
    text_tokenizer: TextTokenizer,
) -> None:
    hello = text_tokenizer.encode("hello")
    assert "".join(pieces(text_tokenizer, [1, *hello, 2, 511, *hello, 3])) == "hellohello"


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
        load_text_tokenizer(folder)


def test_a_tokenizer_of_another_model_is_refused(upstream: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(upstream, tmp_path / "copy")
    data = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    data["model"]["vocab"] |= {f"extra{number}": 1000 + number for number in range(600)}
    (folder / "tokenizer.json").write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(DataError, match="the model 512"):
        load_text_tokenizer(folder)


def test_a_tokenizer_that_makes_control_tokens_of_text_is_not_trusted(
    upstream: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(upstream, tmp_path / "copy")
    data = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    data["model"]["ignore_merges"] = True  # a whole word of the vocabulary is one token
    (folder / "tokenizer.json").write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(DataError, match="control token"):
        load_text_tokenizer(folder).encode("<|endoftext|>")


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(words)
def test_transformers_wrapper_says_the_same(upstream: Path, text: str) -> None:
    plain, wrapped = load_text_tokenizer(upstream), load_tokenizer(upstream)
    assert plain.control_ids == set(wrapped.all_special_ids)
    ids = plain.encode(text)
    assert ids == wrapped(text, add_special_tokens=False, split_special_tokens=True)["input_ids"]
    assert ids == TextTokenizer.of(wrapped).encode(text)
    with_controls = [1, *ids, 2, 3]
    assert plain.decode(with_controls) == wrapped.decode(with_controls, skip_special_tokens=True)


def test_text_that_goes_on_begins_where_the_text_before_it_ended(
    text_tokenizer: TextTokenizer,
) -> None:
    whole = "Hello there, my 好 friend"
    ids = text_tokenizer.encode(whole)
    for cut in range(1, len(ids)):
        before = "".join(pieces(text_tokenizer, ids[:cut]))
        decoder = IncrementalDecoder(text_tokenizer, after=ids[:cut])
        after = "".join(map(decoder.push, ids[cut:])) + decoder.flush()
        if "\ufffd" not in before:  # a cut inside a character loses that one
            assert before + after == whole
