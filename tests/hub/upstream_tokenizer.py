"""A byte-pair tokenizer in upstream's form, which current libraries refuse until it is mended."""

from collections import Counter
from itertools import pairwise
from typing import Any

SPECIALS = ("<unk>", "<pad>", "<|startoftext|>", "<|endoftext|>")
SPACE = "▁"  # what Metaspace makes of a space
TEXT = """\
Human: hello, what is your name?\n\nAssistant: hello! my name is XVERSE, and I remember what you
tell me.\n\nHuman: 你好，请问你叫什么名字？\n\nAssistant: 你好！我叫元象，很高兴认识你。
The quick brown fox jumps over the lazy dog; 我喜欢喝茶，你喜欢什么？ Write a list, please.
"""


def upstream_tokenizer(merges: int = 150) -> dict[str, Any]:
    """Return a tokenizer.json with ``merges`` merges learnt from a few sentences.

    As upstream's: no ``prepend_scheme``, no post-processor, digits split singly, byte fallback.
    """
    vocabulary = [*SPECIALS, *(f"<0x{byte:02X}>" for byte in range(256))]
    vocabulary += sorted(set(TEXT.replace(" ", SPACE)) | set("0123456789"))
    learnt = learn_merges(merges)
    vocabulary += [left + right for left, right in learnt]
    metaspace = {"type": "Metaspace", "replacement": SPACE, "add_prefix_space": False}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {
                "id": token_id,
                "content": text,
                "single_word": False,
                "lstrip": False,
                "rstrip": False,
                "normalized": False,
                "special": True,
            }
            for token_id, text in enumerate(SPECIALS)
        ],
        "normalizer": None,
        "pre_tokenizer": {
            "type": "Sequence",
            "pretokenizers": [metaspace, {"type": "Digits", "individual_digits": True}],
        },
        "post_processor": None,
        "decoder": {
            "type": "Sequence",
            "decoders": [{"type": "ByteFallback"}, dict(metaspace)],
        },
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": "<unk>",
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": True,
            "vocab": {text: token_id for token_id, text in enumerate(dict.fromkeys(vocabulary))},
            "merges": [f"{left} {right}" for left, right in learnt],
        },
    }


def learn_merges(count: int) -> list[tuple[str, str]]:
    """Return the pairs that byte-pair encoding joins first in ``TEXT``."""
    words = [list(word) for word in TEXT.replace(" ", f" {SPACE}").split(" ")]
    learnt: list[tuple[str, str]] = []
    while len(learnt) < count:
        pairs = Counter(pair for word in words for pair in pairwise(word))
        if not pairs:
            break
        best = max(pairs, key=lambda pair: (pairs[pair], pair))
        learnt.append(best)
        words = [join(word, best) for word in words]
    return learnt


def join(word: list[str], pair: tuple[str, str]) -> list[str]:
    joined: list[str] = []
    for piece in word:
        if joined and (joined[-1], piece) == pair:
            joined[-1] += piece
        else:
            joined.append(piece)
    return joined
