"""The demo model as it is shipped: what its card says of it holds on every machine.

Measured on 100 conversations in each language that it was never trained on. In full precision its
own answers are the history; in 8 and 4 bits that history is given and the last answer its own.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from training.dialogues import Message
from training.encoding import prompt_ids
from training.evaluate import load_tokenizer
from training.tokenizer import EOS_ID, PAD_ID
from training.trials import Trial, recall_trials
from training.wording import LANGUAGES
from xverse_chat.chat.backend import Finish
from xverse_chat.chat.session import Session
from xverse_chat.chat.turn import ask
from xverse_chat.checkpoint.record import damaged_files, read_record
from xverse_chat.config import demo_folder
from xverse_chat.engine.cache import KVCache
from xverse_chat.engine.local import LocalBackend
from xverse_chat.engine.model import XverseForCausalLM
from xverse_chat.progress import NoProgress

_ROWS = 25
_MAX_NEW_TOKENS = 128


@dataclass(frozen=True, slots=True)
class Talked:
    """Conversations in full precision, and of all answers whether they ended by themselves."""

    trials: list[Trial]
    conversations: list[list[Message]]
    ended: list[bool]

    def recalled(self) -> dict[str, int]:
        """Return how many of 100 conversations ended with the right answer, by language."""
        return _recalled(self.trials, [messages[-1]["content"] for messages in self.conversations])


class Crowd:
    """Conversations that one model continues together.

    What of them is in the KV cache is not computed again: half the time of ``training``'s Talker.
    """

    def __init__(self, model: XverseForCausalLM, conversations: list[list[Message]]) -> None:
        size = len(conversations)
        self.conversations = conversations
        self.ended: list[bool] = []
        self._model = model
        self._tokenizer = load_tokenizer(demo_folder())
        self._cache = KVCache(model.config.num_hidden_layers)
        self._mask = torch.zeros(size, 0, dtype=torch.long)  # (conversations, places in the cache)
        self._ids: list[list[int]] = [[] for _ in range(size)]
        self._places: list[list[int]] = [[] for _ in range(size)]

    @torch.inference_mode()
    def say(self, questions: Mapping[int, str]) -> None:
        """Say something in some of the conversations, and keep what is answered."""
        for row, question in questions.items():
            self.conversations[row].append({"role": "user", "content": question})
        rows = list(questions)
        for row, ids in zip(rows, self._decode(rows, self._read(rows)), strict=True):
            self.ended.append(ids[-1] == EOS_ID)
            text = self._tokenizer.decode([token for token in ids if token != EOS_ID])
            self.conversations[row].append({"role": "assistant", "content": text})

    def _read(self, rows: list[int]) -> Tensor:
        """Compute what is new in the prompts of ``rows``; return their last logits."""
        new: list[list[int]] = [[] for _ in self._ids]
        for row in rows:
            ids = prompt_ids(self._encode, self.conversations[row])
            known = _common_length(self._ids[row], ids[:-1])
            self._mask[row, self._places[row][known:]] = 0
            del self._places[row][known:]
            self._ids[row], new[row] = ids, ids[known:]
        width = max(map(len, new))
        begin = self._mask.shape[1]
        padding = [width - len(ids) for ids in new]
        added = torch.tensor([[0] * pad + [1] * (width - pad) for pad in padding])
        self._mask = torch.cat([self._mask, added], dim=1)
        for places, pad, ids in zip(self._places, padding, new, strict=True):
            places.extend(range(begin + pad, begin + pad + len(ids)))
        positions = self._mask.cumsum(dim=1)[:, begin:] - 1
        padded = torch.tensor([[PAD_ID] * pad + ids for pad, ids in zip(padding, new, strict=True)])
        return self._logits(padded, self._mask, positions.clamp(min=0), self._cache)[rows]

    def _decode(self, rows: list[int], logits: Tensor) -> list[list[int]]:
        """Return the answers of ``rows`` greedily; those that have ended are left out in time."""
        answers: list[list[int]] = [[] for _ in rows]
        going = list(range(len(rows)))  # which answer each row of the tensors belongs to
        cache, mask = _selected(self._cache, rows), self._mask[rows]
        positions = mask.sum(dim=1, keepdim=True)
        for _ in range(_MAX_NEW_TOKENS):
            chosen = logits.argmax(dim=-1)
            for answer, token in zip(going, chosen.tolist(), strict=True):
                if EOS_ID not in answers[answer]:
                    answers[answer].append(token)
            kept = [at for at, answer in enumerate(going) if EOS_ID not in answers[answer]]
            if not kept:
                break
            if len(kept) < 0.75 * len(going):
                cache, mask, positions = _selected(cache, kept), mask[kept], positions[kept]
                chosen, going = chosen[kept], [going[at] for at in kept]
            mask = torch.cat([mask, torch.ones(len(going), 1, dtype=torch.long)], dim=1)
            logits = self._logits(chosen[:, None], mask, positions, cache)
            positions = positions + 1
        return answers

    def _logits(self, ids: Tensor, mask: Tensor, positions: Tensor, cache: KVCache) -> Tensor:
        output = self._model(
            input_ids=ids,
            attention_mask=mask,
            position_ids=positions,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        )
        logits: Tensor = output.logits[:, -1]
        return logits

    def _encode(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return ids


def _common_length(first: Sequence[int], second: Sequence[int]) -> int:
    pairs = enumerate(zip(first, second, strict=False))
    return next((at for at, (one, other) in pairs if one != other), min(len(first), len(second)))


def _selected(cache: KVCache, rows: list[int]) -> KVCache:
    """Return a copy that holds only some conversations."""
    copy = KVCache(len(cache.layers))
    for layer, new in zip(cache.layers, copy.layers, strict=True):
        new.update(layer.keys[rows, :, : layer.length], layer.values[rows, :, : layer.length])
    return copy


@pytest.fixture(scope="module")
def talked() -> Talked:
    trials = sorted(recall_trials(25, seed=7), key=lambda trial: (len(trial.users), trial.group))
    result = Talked(trials, [], [])
    model = _model()
    for first in range(0, len(trials), _ROWS):
        chosen = trials[first : first + _ROWS]
        crowd = Crowd(model, [[] for _ in chosen])
        for turn in range(len(chosen[-1].users)):
            crowd.say(
                {
                    row: trial.users[turn]
                    for row, trial in enumerate(chosen)
                    if turn < len(trial.users)
                }
            )
        result.conversations.extend(crowd.conversations)
        result.ended.extend(crowd.ended)
    return result


def test_names_and_preferences_are_recalled_up_to_five_turns_later(talked: Talked) -> None:
    assert min(talked.recalled().values()) >= 95


def test_answers_end_by_themselves(talked: Talked) -> None:
    assert sum(talked.ended) >= 0.99 * len(talked.ended)


@pytest.mark.parametrize(("bits", "most_lost"), [(8, 0), (4, 3)])
def test_quantized_it_recalls_as_well(talked: Talked, bits: int, most_lost: int) -> None:
    model = _model(bits)
    replies = []
    for first in range(0, len(talked.trials), _ROWS):
        chosen = talked.conversations[first : first + _ROWS]
        crowd = Crowd(model, [messages[:-2] for messages in chosen])
        crowd.say({row: messages[-2]["content"] for row, messages in enumerate(chosen)})
        replies += [messages[-1]["content"] for messages in crowd.conversations]
    recalled = _recalled(talked.trials, replies)
    for language, full in talked.recalled().items():
        assert recalled[language] >= full - most_lost


@pytest.mark.parametrize(
    "turns",
    [
        {
            "你好": "你好",
            "我叫欧阳朔": "欧阳朔",
            "我最喜欢的水果是山竹。": "山竹",
            "从3数到6": "3，4，5，6",
            "12加7等于几？": "12 + 7 = 19",
            "我叫什么名字？": "欧阳朔",
        },
        {
            "Hi there!": "Hello",
            "My name is Tabitha.": "Tabitha",
            "My favourite fruit is mango.": "mango",
            "Count from 3 to 6.": "3, 4, 5, 6",
            "What is 12 + 7?": "12 + 7 = 19",
            "What is my name?": "Tabitha",
        },
    ],
    ids=LANGUAGES,
)
def test_a_conversation(turns: dict[str, str]) -> None:
    backend = LocalBackend.load(demo_folder(), model_id="demo", device="cpu", progress=NoProgress())
    session = Session()
    for question, expected in turns.items():
        *pieces, finish = ask(session, question).run(
            backend, settings=backend.default_settings, stop=threading.Event()
        )
        assert expected in "".join(map(str, pieces))
        assert isinstance(finish, Finish)
        assert finish.reason == "stop"


def test_the_folder_is_small_and_as_recorded() -> None:
    folder = demo_folder()
    assert sum(path.stat().st_size for path in folder.iterdir()) <= 32_000_000
    assert damaged_files(folder, read_record(folder).files) == []


def test_the_card_says_what_it_is() -> None:
    card = (demo_folder() / "README.md").read_text(encoding="utf-8")
    assert card.startswith("# The demo model")
    assert "It is not XVERSE" in card


def _model(bits: int | None = None) -> XverseForCausalLM:
    model = XverseForCausalLM.from_pretrained(demo_folder(), dtype=torch.float32)
    return model if bits is None else model.quantize(bits)


def _recalled(trials: list[Trial], replies: list[str]) -> dict[str, int]:
    passed = dict.fromkeys(LANGUAGES, 0)
    for trial, reply in zip(trials, replies, strict=True):
        passed[trial.group.split()[1]] += trial.passes(reply)
    return passed
