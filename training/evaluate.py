"""Measure the demo model: ``python -m training.evaluate DIR --out FILE``.

It talks through every conversation itself: its own answers become the history of the next turn.
"""

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer
from transformers import LlamaForCausalLM

from training.dialogues import Message
from training.encoding import prompt_ids
from training.fake_quantization import quantize_weights
from training.tokenizer import EOS_ID, PAD_ID
from training.trials import Trial, recall_trials, special_trials, task_trials
from training.upstream_folder import load_upstream_folder
from xverse_chat.checkpoint.tokenizer_file import mend_tokenizer

# The longest right answer, a count of fifteen numbers, has 65 tokens.
_MAX_NEW_TOKENS = 128


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, and whether it ended by itself."""

    text: str
    ended: bool


class Talker:
    """Answers many conversations at once, greedily."""

    def __init__(
        self, model: LlamaForCausalLM, tokenizer: Tokenizer, *, device: str, rows: int
    ) -> None:
        self._model = model.to(device)
        self._tokenizer = tokenizer
        self._device = device
        self._rows = rows

    def answer(self, conversations: Sequence[list[Message]]) -> list[Reply]:
        """Return the next reply of each conversation; each ends with the user's message."""
        prompts = [prompt_ids(self._encode, messages) for messages in conversations]
        order = sorted(range(len(prompts)), key=lambda index: len(prompts[index]))
        replies: dict[int, Reply] = {}
        for start in range(0, len(order), self._rows):
            chosen = order[start : start + self._rows]
            found = self._generate([prompts[index] for index in chosen])
            replies |= dict(zip(chosen, found, strict=True))
        return [replies[index] for index in range(len(prompts))]

    def _encode(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return ids

    @torch.inference_mode()
    def _generate(self, prompts: list[list[int]]) -> list[Reply]:
        width = max(map(len, prompts))
        ids = torch.tensor([[PAD_ID] * (width - len(prompt)) + prompt for prompt in prompts])
        mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in prompts])
        output = self._model.generate(
            input_ids=ids.to(self._device),
            attention_mask=mask.to(self._device),
            max_new_tokens=_MAX_NEW_TOKENS,
            do_sample=False,
            use_cache=True,
            pad_token_id=PAD_ID,
            eos_token_id=EOS_ID,
        )
        return [self._reply(row) for row in output[:, width:].tolist()]

    def _reply(self, ids: list[int]) -> Reply:
        ended = EOS_ID in ids
        kept = ids[: ids.index(EOS_ID)] if ended else ids
        return Reply(self._tokenizer.decode(kept), ended)


def run_trials(talker: Talker, trials: Sequence[Trial]) -> tuple[dict[str, float], list[str]]:
    """Return percentages by group, and of all replies those that ended; and some failures."""
    conversations: list[list[Message]] = [[] for _ in trials]
    ended: list[bool] = []
    for turn in range(max(len(trial.users) for trial in trials)):
        speaking = [index for index, trial in enumerate(trials) if turn < len(trial.users)]
        for index in speaking:
            conversations[index].append({"role": "user", "content": trials[index].users[turn]})
        for index, reply in zip(
            speaking, talker.answer([conversations[index] for index in speaking]), strict=True
        ):
            conversations[index].append({"role": "assistant", "content": reply.text})
            ended.append(reply.ended)
    passed: dict[str, list[bool]] = defaultdict(list)
    failures = []
    for trial, messages in zip(trials, conversations, strict=True):
        right = trial.passes(messages[-1]["content"])
        passed[trial.group].append(right)
        if not right:
            failures.append(_failure(trial, messages))
    figures = {group: _percent(results) for group, results in passed.items()}
    return figures | {"ended": _percent(ended)}, failures


def load_tokenizer(folder: Path) -> Tokenizer:
    """Load the folder's ``tokenizer.json`` as the program does, mended."""
    data = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    tokenizer = Tokenizer.from_str(json.dumps(mend_tokenizer(data)))
    tokenizer.encode_special_tokens = True  # "<pad>" in a message is text
    return tokenizer


def _percent(results: Sequence[bool]) -> float:
    return round(100 * sum(results) / len(results), 2)


def _failure(trial: Trial, messages: list[Message]) -> str:
    lines = [f"{message['role']}: {message['content']}" for message in messages]
    return "\n".join([f"[{trial.group}] expected {trial.expected!r}", *lines])


def main() -> None:
    """Measure in full precision, 8 and 4 bits; print figures and write them to a file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="upstream folder that training wrote")
    parser.add_argument("--out", type=Path, required=True, help="JSON file for the figures")
    parser.add_argument("--count", type=int, default=200, help="trials per group")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--rows", type=int, default=1000, help="conversations at once")
    options = parser.parse_args()
    tokenizer = load_tokenizer(options.folder)
    trials = [
        *recall_trials(options.count),
        *task_trials(options.count),
        *special_trials(options.count),
    ]
    figures: dict[str, dict[str, float]] = {}
    for precision, bits in (("16 bits", 0), ("8 bits", 8), ("4 bits", 4)):
        begun = time.monotonic()
        model = load_upstream_folder(options.folder).to(options.device)
        if bits:
            quantize_weights(model, bits)
        talker = Talker(model, tokenizer, device=options.device, rows=options.rows)
        figures[precision], failures = run_trials(talker, trials)
        print(f"{precision}: {figures[precision]}  ({time.monotonic() - begun:.0f} s)", flush=True)
        options.out.with_suffix(f".failures-{bits or 16}.txt").write_text(
            "\n\n".join(failures[:200]), encoding="utf-8"
        )
        options.out.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
