import json
from functools import cache
from random import Random

from hypothesis import example, given
from hypothesis import strategies as st
from sentencepiece import SentencePieceProcessor
from tokenizers import Tokenizer

from training.dialogues import write_dialogue
from training.encoding import IGNORED, prompt_ids, training_ids
from training.tokenizer import EOS_ID, PAD_ID, VOCABULARY_SIZE, tokenizer_json, train_tokenizer
from training.values import common_hanzi, rare_hanzi
from xverse_chat.checkpoint.tokenizer_file import mend_tokenizer


@cache
def processor() -> SentencePieceProcessor:
    return train_tokenizer()


@cache
def tokenizer() -> Tokenizer:
    loaded = Tokenizer.from_str(json.dumps(mend_tokenizer(tokenizer_json(processor()))))
    loaded.encode_special_tokens = True  # "<pad>" in a message is text
    return loaded


def encode(text: str) -> list[int]:
    ids: list[int] = processor().encode(text)
    return ids


def test_tokenizer_json_gives_sentencepiece_ids_on_dialogues() -> None:
    rng = Random(5)
    for _ in range(200):
        for message in write_dialogue(rng).messages:
            for text in (message["content"], f"Human: {message['content']}\n\nAssistant: "):
                assert tokenizer().encode(text).ids == encode(text)
                assert tokenizer().decode(encode(text)) == text


@given(
    st.text(
        alphabet=st.one_of(
            st.characters(min_codepoint=32, max_codepoint=126),
            st.sampled_from("你我他，。！？龘𠮷é😀\n\t"),
        ),
        max_size=40,
    )
)
@example("<pad>")
def test_any_text_comes_back(text: str) -> None:
    ids = encode(text)
    assert tokenizer().encode(text).ids == ids
    assert tokenizer().decode(ids) == text


def test_special_tokens_have_upstream_ids() -> None:
    pieces = [processor().id_to_piece(index) for index in range(4)]
    assert pieces == ["<unk>", "<pad>", "<|startoftext|>", "<|endoftext|>"]
    assert processor().get_piece_size() == VOCABULARY_SIZE


def test_digits_stand_alone_and_hanzi_too() -> None:
    assert encode("2048") == [encode(digit)[0] for digit in "2048"]
    assert all(len(encode(character)) == 1 for character in common_hanzi())
    assert len(encode("你叫小明")) == 4
    assert len(encode(rare_hanzi()[0])) == 3


def test_the_file_is_upstreams_unmended() -> None:
    text = json.dumps(tokenizer_json(processor()))
    assert '"add_prefix_space": false' in text
    assert "prepend_scheme" not in text


def test_each_message_is_encoded_on_its_own() -> None:
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "Hello!"},
        {"role": "user", "content": "bye"},
    ]
    assert prompt_ids(encode, messages) == [
        *encode("Be brief.\n\n"),
        *encode("Human: hi\n\n"),
        *encode("Assistant: Hello!"),
        EOS_ID,
        *encode("Human: bye\n\nAssistant: "),
    ]


def test_training_ids_continue_the_prompt_of_a_conversation() -> None:
    rng = Random(6)
    for _ in range(100):
        messages = write_dialogue(rng).messages
        ids, labels = training_ids(encode, messages, all_generated=False)
        reply = [*encode(messages[-1]["content"]), EOS_ID]
        assert ids == prompt_ids(encode, messages[:-1]) + reply
        assert labels[-len(reply) :] == reply


def test_labels_are_the_replies_and_their_ends() -> None:
    rng = Random(7)
    for all_generated in (False, True):
        messages = write_dialogue(rng).messages
        ids, labels = training_ids(encode, messages, all_generated=all_generated)
        learned = [label for label in labels if label != IGNORED]
        text = processor().decode([label if label != EOS_ID else PAD_ID for label in learned])
        replies = [one["content"] for one in messages if one["role"] == "assistant"]
        assert learned.count(EOS_ID) == len(replies)
        assert all(reply in text for reply in replies)
        assert all(label in (IGNORED, token) for token, label in zip(ids, labels, strict=True))
