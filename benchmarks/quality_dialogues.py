"""What quantization does to the demo model's answers in dialogues kept away from its training.

Weights are restored to float32 and everything is computed in float32, so nothing but the rounding
of weights differs. Only tokens of answers count, each predicted from the true text before it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from statistics import mean, stdev

import torch
from torch import Tensor
from torch.nn import functional
from transformers import LlamaForCausalLM

from training.dialogues import write_dialogue
from training.encoding import IGNORED, Encode, training_ids

DIALOGUES = 200
_BATCH = 10
_CHUNK = 2048  # answer tokens whose logits are in memory at once


@dataclass(frozen=True, slots=True)
class Row:
    """A dialogue: token ids (T,), and labels (T,) that are IGNORED outside of answers."""

    ids: Tensor
    labels: Tensor


@dataclass(frozen=True, slots=True)
class Outcome:
    """The divergence in nats per token, from the exact model to the quantized one.

    ``same_token`` is the share of answer tokens where both would take the same one greedily.
    """

    kl: float
    perplexity: float
    same_token: float


def mean_figures(outcomes: Sequence[Outcome]) -> dict[str, float]:
    """Return means for a result file; ``kl_error`` is the standard error of the mean ``kl``."""
    figures = {
        name: mean(getattr(outcome, name) for outcome in outcomes)
        for name in ("kl", "perplexity", "same_token")
    }
    spread = stdev([outcome.kl for outcome in outcomes]) if len(outcomes) > 1 else 0.0
    figures["kl_error"] = spread / len(outcomes) ** 0.5
    return {name: float(f"{value:.6g}") for name, value in figures.items()}


def held_out_rows(encode: Encode, *, longest: int) -> list[Row]:
    """Return DIALOGUES dialogues of at most ``longest`` tokens, the same ones every time."""
    rng = Random("quality of the quantization")
    rows: list[Row] = []
    while len(rows) < DIALOGUES:
        messages = write_dialogue(rng, held_out=True).messages
        ids, labels = training_ids(encode, messages, all_generated=False)
        if len(ids) <= longest:
            rows.append(Row(torch.tensor(ids), torch.tensor(labels)))
    return sorted(rows, key=lambda row: len(row.ids))


@torch.inference_mode()
def answer_states(model: LlamaForCausalLM, rows: Sequence[Row]) -> Tensor:
    """Return the last hidden states (answer tokens, width) that predict them, in order."""
    found: list[Tensor] = []
    for start in range(0, len(rows), _BATCH):
        batch = rows[start : start + _BATCH]
        # Padded on the right, where causal attention does not look.
        ids = torch.nn.utils.rnn.pad_sequence([row.ids for row in batch], batch_first=True)
        hidden = model.model(input_ids=ids, use_cache=False).last_hidden_state
        found += [
            hidden[index, : len(row.ids) - 1][_learned(row)] for index, row in enumerate(batch)
        ]
    return torch.cat(found)


@torch.inference_mode()
def compare(
    rows: Sequence[Row], exact: tuple[Tensor, Tensor], quantized: tuple[Tensor, Tensor]
) -> Outcome:
    """Compare two models, each its ``answer_states`` and its head (vocabulary, width)."""
    targets = torch.cat([row.labels[1:][_learned(row)] for row in rows])
    divergences: list[Tensor] = []
    losses: list[Tensor] = []
    agreements: list[Tensor] = []
    for start in range(0, len(targets), _CHUNK):
        part = slice(start, start + _CHUNK)
        true, ours = (
            functional.log_softmax(states[part] @ head.T, dim=-1)
            for states, head in (exact, quantized)
        )
        divergences.append((true.exp() * (true - ours)).sum(dim=-1).double())
        losses.append(functional.nll_loss(ours, targets[part], reduction="none").double())
        agreements.append((true.argmax(dim=-1) == ours.argmax(dim=-1)).double())
    return Outcome(
        kl=float(torch.cat(divergences).mean()),
        perplexity=float(torch.cat(losses).mean().exp()),
        same_token=float(torch.cat(agreements).mean()),
    )


def _learned(row: Row) -> Tensor:
    return row.labels[1:] != IGNORED
