"""Train the demo model: ``python -m training.train --out DIR --minutes 6``."""

import argparse
import math
import os
import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from transformers import LlamaForCausalLM

from training.batches import DialogueBatches, load_batches
from training.encoding import IGNORED
from training.fake_quantization import quantized_for_a_step
from training.tokenizer import VOCABULARY_SIZE, train_tokenizer
from training.upstream_folder import model_config, save_upstream_folder

# The context. A conversation longer than that is not learned from.
MAX_LENGTH = 1024

_WARM_UP_SHARE = 0.03
_LAST_RATE_SHARE = 0.02
_REPORT_EVERY_S = 10.0


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how to train. ``steps`` ends the training where ``minutes`` do not."""

    minutes: float
    steps: int
    device: str
    learning_rate: float
    # From this share of the training on, every other step computes with 4-bit weights.
    quantize_from: float = 0.7


class Clock:
    """Tells how far the training is, from 0 to 1, by steps or by time, whichever is further."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._begun = time.monotonic()

    def elapsed_s(self) -> float:
        """Return seconds since the training began."""
        return time.monotonic() - self._begun

    def share_done(self, step: int) -> float:
        """Return how much of the training is over after ``step`` steps."""
        return max(step / self._plan.steps, self.elapsed_s() / (60 * self._plan.minutes))


def build_model(*, layers: int, hidden: int, intermediate: int) -> LlamaForCausalLM:
    """Return a model of seeded random weights, the ends of the residual branches made smaller."""
    model = LlamaForCausalLM(
        model_config(
            VOCABULARY_SIZE,
            layers=layers,
            hidden=hidden,
            intermediate=intermediate,
            max_length=MAX_LENGTH,
        )
    )
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.endswith(("o_proj.weight", "down_proj.weight")):
                weight.div_(math.sqrt(2 * layers))
    return model


def train(
    model: LlamaForCausalLM, batches: Iterator[tuple[Tensor, Tensor]], plan: Plan
) -> list[float]:
    """Train until the plan's time or steps are over; return the loss of every step."""
    model.to(plan.device).train()
    optimizer = _optimizer(model, plan)
    losses: list[Tensor] = []
    tokens = 0
    clock = Clock(plan)
    reported_s = 0.0
    while (done := clock.share_done(len(losses))) < 1:
        for group in optimizer.param_groups:
            group["lr"] = plan.learning_rate * _rate(done)
        ids, labels = (part.to(plan.device).long() for part in next(batches))
        quantize = done >= plan.quantize_from and len(losses) % 2 == 0
        losses.append(_step(model, optimizer, ids, labels, quantize=quantize))
        tokens += ids.numel()
        if clock.elapsed_s() - reported_s >= _REPORT_EVERY_S:
            reported_s = clock.elapsed_s()
            _report(losses, tokens, reported_s, done)
    _report(losses, tokens, clock.elapsed_s(), 1.0)
    return [float(loss) for loss in losses]


def _step(
    model: LlamaForCausalLM,
    optimizer: torch.optim.Optimizer,
    ids: Tensor,
    labels: Tensor,
    *,
    quantize: bool,
) -> Tensor:
    learned = labels[:, 1:] != IGNORED
    with quantized_for_a_step(model) if quantize else nullcontext():
        with torch.autocast(ids.device.type, torch.bfloat16):
            hidden = model.model(input_ids=ids[:, :-1]).last_hidden_state
            logits = model.lm_head(hidden[learned])  # (learned tokens, vocabulary)
        loss = cross_entropy(logits.float(), labels[:, 1:][learned])
        loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return loss.detach()


def _optimizer(model: LlamaForCausalLM, plan: Plan) -> torch.optim.Optimizer:
    matrices = [weight for weight in model.parameters() if weight.dim() > 1]
    norms = [weight for weight in model.parameters() if weight.dim() == 1]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": norms, "weight_decay": 0.0}]
    fused = plan.device.startswith("cuda")
    return torch.optim.AdamW(groups, lr=plan.learning_rate, betas=(0.9, 0.95), fused=fused)


def _rate(done: float) -> float:
    """Return the learning rate's share: a short rise, then a cosine."""
    if done < _WARM_UP_SHARE:
        return (done + 1e-4) / _WARM_UP_SHARE
    cosine = (1 + math.cos(math.pi * (done - _WARM_UP_SHARE) / (1 - _WARM_UP_SHARE))) / 2
    return _LAST_RATE_SHARE + (1 - _LAST_RATE_SHARE) * cosine


def _report(losses: list[Tensor], tokens: int, elapsed_s: float, done: float) -> None:
    loss = float(torch.stack(losses[-50:]).mean())
    print(
        f"step {len(losses):6}  loss {loss:.4f}  {tokens / 1e6:7.1f} M tokens  "
        f"{tokens / elapsed_s / 1e3:6.0f} k tokens/s  {elapsed_s:5.0f} s  {done:4.0%} done",
        flush=True,
    )


def main() -> None:
    """Read the options, train, save."""
    options = _options()
    torch.manual_seed(options.seed)
    processor = train_tokenizer()
    model = build_model(
        layers=options.layers, hidden=options.hidden, intermediate=options.intermediate
    )
    size = sum(weight.numel() for weight in model.parameters())
    print(f"{size / 1e6:.2f} M parameters on {options.device}", flush=True)
    dataset = DialogueBatches(
        processor.encode,
        batch_tokens=options.batch_tokens,
        max_length=MAX_LENGTH,
        seed=options.seed,
    )
    plan = Plan(
        minutes=options.minutes,
        steps=options.steps,
        device=options.device,
        learning_rate=options.learning_rate,
    )
    train(model, load_batches(dataset, options.workers), plan)
    save_upstream_folder(model, processor, options.out)
    print(f"saved in {options.out}", flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="upstream folder to write")
    parser.add_argument("--minutes", type=float, default=6.0, help="time to train")
    parser.add_argument("--steps", type=int, default=10**9, help="stop after so many steps")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--layers", type=int, default=6)
    parser.add_argument("--hidden", type=int, default=384, help="64 numbers per head")
    parser.add_argument("--intermediate", type=int, default=1024)
    parser.add_argument("--batch-tokens", type=int, default=32768)
    parser.add_argument("--learning-rate", type=float, default=1.5e-3)
    parser.add_argument("--workers", type=int, default=max(1, (os.cpu_count() or 2) - 1))
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    main()
