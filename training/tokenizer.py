"""The demo model's tokenizer: trained with sentencepiece, written as upstream writes its own.

Every hanzi is one token, so that a name is copied character by character; merges are learned
from English alone.
"""

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import sentencepiece

from training.dialogues import write_dialogue
from training.held_out import is_held_out
from training.tasks import DICTIONARY
from training.values import common_hanzi, word

VOCABULARY_SIZE = 5120
UNKNOWN, PAD, BOS, EOS = "<unk>", "<pad>", "<|startoftext|>", "<|endoftext|>"
SPECIALS = (UNKNOWN, PAD, BOS, EOS)
PAD_ID, BOS_ID, EOS_ID = 1, 2, 3

_DIALOGUES = 6000
_HANZI_OR_FULL_WIDTH = re.compile(r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef“”]")


def train_tokenizer(vocabulary_size: int = VOCABULARY_SIZE) -> sentencepiece.SentencePieceProcessor:
    """Train on generated dialogues; the same every time."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=_sentences(),
        model_writer=model,
        model_type="bpe",
        vocab_size=vocabulary_size,
        byte_fallback=True,
        split_digits=True,
        character_coverage=1.0,
        normalization_rule_name="identity",
        add_dummy_prefix=False,
        remove_extra_whitespaces=False,
        unk_id=0,
        unk_piece=UNKNOWN,
        pad_id=PAD_ID,
        pad_piece=PAD,
        bos_id=BOS_ID,
        bos_piece=BOS,
        eos_id=EOS_ID,
        eos_piece=EOS,
        num_threads=1,
        minloglevel=2,
    )
    return sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())


def tokenizer_json(processor: sentencepiece.SentencePieceProcessor) -> dict[str, Any]:
    """Return ``tokenizer.json`` as upstream ships it: Metaspace without ``prepend_scheme``."""
    pieces = [processor.id_to_piece(index) for index in range(processor.get_piece_size())]
    metaspace = {"type": "Metaspace", "replacement": "▁", "add_prefix_space": False}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [_added_token(index, piece) for index, piece in enumerate(SPECIALS)],
        "normalizer": None,
        "pre_tokenizer": {
            "type": "Sequence",
            "pretokenizers": [
                metaspace,
                {"type": "Digits", "individual_digits": True},
            ],
        },
        "post_processor": None,
        "decoder": {"type": "Sequence", "decoders": [{"type": "ByteFallback"}, metaspace]},
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": UNKNOWN,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": True,
            "byte_fallback": True,
            "vocab": {piece: index for index, piece in enumerate(pieces)},
            "merges": _merges(pieces),
        },
    }


def write_tokenizer(processor: sentencepiece.SentencePieceProcessor, folder: Path) -> None:
    """Write the tokenizer's three files into an upstream folder."""
    special = {"bos_token": BOS, "eos_token": EOS, "pad_token": PAD, "unk_token": UNKNOWN}
    files: dict[str, dict[str, Any]] = {
        "tokenizer.json": tokenizer_json(processor),
        "special_tokens_map.json": special,
        "tokenizer_config.json": {"tokenizer_class": "PreTrainedTokenizerFast", **special},
    }
    for name, content in files.items():
        text = json.dumps(content, ensure_ascii=False, indent=1)
        (folder / name).write_text(text + "\n", encoding="utf-8")


def _sentences() -> Iterator[str]:
    """Yield English as it is and every hanzi alone, where nothing can be merged with it."""
    rng = Random(0)
    yield from (character for character in common_hanzi() for _ in range(2))
    # Words kept for measuring must not become tokens: one that was never copied cannot be.
    kept = [english for _, english in DICTIONARY if is_held_out(english)]
    for _, english in DICTIONARY:
        if english not in kept:
            yield from (english, f" {english}") * 3
    yield from (f" {word(rng, 'en')}" for _ in range(2000))
    yield from ("".join(chr(code) for code in range(33, 127)),) * 2
    yield from ("Human: hello", "Assistant: hello", " ") * 3000
    for _ in range(_DIALOGUES):
        for message in write_dialogue(rng).messages:
            for line in message["content"].splitlines():
                if any(english in line for english in kept):
                    continue
                yield from (part for part in _HANZI_OR_FULL_WIDTH.split(line) if part)
                yield from _HANZI_OR_FULL_WIDTH.findall(line)


def _merges(pieces: list[str]) -> list[list[str]]:
    """Return the pairs that make each piece, the pieces in the order they were learned."""
    known = {piece: index for index, piece in enumerate(pieces) if index >= len(SPECIALS) + 256}
    merges: list[list[str]] = []
    for piece in known:
        pairs = [(piece[:cut], piece[cut:]) for cut in range(1, len(piece))]
        pairs = [pair for pair in pairs if pair[0] in known and pair[1] in known]
        pairs.sort(key=lambda pair: (known[pair[0]], known[pair[1]]))
        merges.extend([left, right] for left, right in pairs)
    return merges


def _added_token(index: int, piece: str) -> dict[str, Any]:
    return {
        "id": index,
        "content": piece,
        "single_word": False,
        "lstrip": False,
        "rstrip": False,
        "normalized": False,
        "special": True,
    }
