"""Quality of the quantization: ours beside what a user would pick instead.

``python -m benchmarks.quality --out RESULT.json``. Some minutes on two cores; no GPU is used. Other
libraries are measured where they are installed: ``bitsandbytes``, ``hqq``, ``torchao`` and
``llama-cpp-python``.
"""

import argparse
import importlib.metadata
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import LlamaForCausalLM

from benchmarks.machine import describe_machine
from benchmarks.quality_dialogues import (
    DIALOGUES,
    Row,
    answer_states,
    compare,
    held_out_rows,
    mean_figures,
)
from benchmarks.quality_matrices import COLUMNS, ROWS, matrices, output_error, relative_error
from benchmarks.quality_schemes import ACROSS_ROWS, Place, Restored, Scheme, is_installed, schemes
from benchmarks.quality_table import dialogue_table, matrix_table
from benchmarks.quality_variants import VARIANTS
from training.evaluate import load_tokenizer
from xverse_chat.config import demo_folder
from xverse_chat.engine.quant import linears

# Packages by the name they are imported with.
_PACKAGES = {
    "bitsandbytes": "bitsandbytes",
    "hqq": "hqq",
    "torchao": "torchao",
    "llama_cpp": "llama-cpp-python",
}
_ORDERS = 5
# A matrix stands alone: as if in the middle of a model.
_ALONE = Place("q_proj", layer=1, layers=32)


def main() -> None:
    """Measure, print Markdown tables and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    result: dict[str, object] = {
        "machine": describe_machine(),
        "libraries": {library: _version(library) for library in _PACKAGES},
        "date": time.strftime("%Y-%m-%d"),
        "matrix": f"{ROWS} × {COLUMNS}, float32, random",
        "dialogues": f"{DIALOGUES} held out from the demo model's training, tokens of answers; "
        f"each scheme with the columns in {_ORDERS} orders",
    }
    demo = _Demo()
    measures = (
        ("matrices", _on_matrices(), matrix_table),
        ("variants", _variants(demo), matrix_table),
        ("demo_model", _on_dialogues(demo), dialogue_table),
    )
    for name, rows, table in measures:
        found = []
        for row in rows:
            found.append(row)
            print(json.dumps(row, ensure_ascii=False), flush=True)
            # Written after each row, so that one that fails takes nothing with it.
            result[name] = found
            options.out.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", "utf-8")
        print("\n" + table(found) + "\n", flush=True)


class _Demo:
    """The demo model in float32: exact weights, and the module that computes with others."""

    def __init__(self) -> None:
        self.model: LlamaForCausalLM = LlamaForCausalLM.from_pretrained(
            demo_folder(), dtype=torch.float32
        )
        self.model.eval()
        self.exact = {name: part.weight.detach().clone() for name, part in linears(self.model)}
        tokenizer = load_tokenizer(demo_folder())
        self.rows: list[Row] = held_out_rows(
            lambda text: tokenizer.encode(text, add_special_tokens=False).ids,
            longest=self.model.config.max_position_embeddings,
        )

    @property
    def matrices(self) -> dict[str, Tensor]:
        """The matrices of the layers, without lm_head."""
        return {name: weight for name, weight in self.exact.items() if name != "lm_head"}

    def place(self, name: str) -> Place:
        """Return where ``model.layers.3.mlp.up_proj`` stands."""
        parts = name.split(".")
        return Place(parts[-1], int(parts[2]), self.model.config.num_hidden_layers)

    def restored(self, scheme: Scheme, seed: int) -> dict[str, Restored]:
        """Return the layers' matrices as they come back from a scheme, by ``in_order``."""

        def restore(name: str, weight: Tensor) -> Restored:
            place = self.place(name)
            return in_order(seed, weight, lambda ordered: scheme.linear(ordered, place))

        return {name: restore(name, weight) for name, weight in self.matrices.items()}

    def states_with(self, restored: dict[str, Restored]) -> Tensor:
        """Return the states (answer tokens, width) that the restored layers lead to."""
        for name, found in restored.items():
            linear = self.model.get_submodule(name)
            assert isinstance(linear, nn.Linear)
            linear.weight.data = found.weight
        return answer_states(self.model, self.rows)


def _on_matrices() -> Iterator[dict[str, object]]:
    """Yield each scheme's errors on each random matrix; null where its library is missing."""
    exact = dict(matrices())
    for scheme in schemes():
        if scheme.name.endswith(ACROSS_ROWS):
            continue  # no other than without, where the width is a multiple of 256
        if not is_installed(scheme.library):
            yield {"scheme": scheme.name, "bits": None, "errors": None}
            continue
        restored = {name: scheme.linear(weight, _ALONE) for name, weight in exact.items()}
        yield {
            "scheme": scheme.name,
            "bits": round(restored["Gaussian"].bits, 4),
            "errors": {
                name: _digits(relative_error(weight, restored[name].weight))
                for name, weight in exact.items()
            },
            "output_errors": {
                name: _digits(output_error(weight, restored[name].weight))
                for name, weight in exact.items()
            },
        }


def _variants(demo: _Demo) -> Iterator[dict[str, object]]:
    """Yield what other searches and formats give, on a quarter of the matrices and the demo's."""
    exact = {name: weight[: ROWS // 4] for name, weight in matrices()}
    exact["demo model"] = _stacked(demo.matrices)
    for variant in VARIANTS:
        errors = {
            name: _digits(relative_error(weight, variant.restored(weight)))
            for name, weight in exact.items()
        }
        yield {"scheme": variant.name, "bits": round(variant.bits, 4), "errors": errors}


def _on_dialogues(demo: _Demo) -> Iterator[dict[str, object]]:
    """Yield what each scheme does to answers, with its own lm_head and with an exact one."""
    exact_head = demo.exact["lm_head"]
    exact = answer_states(demo.model, demo.rows), exact_head
    unchanged = mean_figures([compare(demo.rows, exact, exact)])
    yield {"scheme": "full precision", "bits": 16, "head": "16 bits", "own_head": unchanged}
    for scheme in schemes():
        if not is_installed(scheme.library):
            yield {"scheme": scheme.name, "bits": None, "head": scheme.head_name, "own_head": None}
            continue
        own_head, same_head = [], []
        for seed in range(_ORDERS):
            restored = demo.restored(scheme, seed)
            head = in_order(seed, exact_head, scheme.head)
            states = demo.states_with(restored)
            own_head.append(compare(demo.rows, exact, (states, head.weight)))
            same_head.append(compare(demo.rows, exact, (states, exact_head)))
        yield {
            "scheme": scheme.name,
            "bits": _mean_bits([*restored.values()]),
            "bits_with_head": _mean_bits([*restored.values(), head]),
            "head": scheme.head_name,
            "error": _digits(_error(demo, restored)),
            "own_head": mean_figures(own_head),
            "exact_head": mean_figures(same_head),
        }


def in_order(seed: int, weight: Tensor, restore: Callable[[Tensor], Restored]) -> Restored:
    """Restore ``weight`` (N, K) with its columns in another order, and put them back.

    One rounding of a model tells little: its errors may happen to help or to hurt. Other orders
    form other groups, and so are other roundings of the same model.
    """
    order = torch.randperm(weight.shape[1], generator=torch.Generator().manual_seed(seed))
    found = restore(weight[:, order].contiguous())
    return Restored(found.weight[:, order.argsort()].contiguous(), found.bits)


def _error(demo: _Demo, restored: dict[str, Restored]) -> float:
    return relative_error(
        _stacked(demo.matrices), _stacked({name: found.weight for name, found in restored.items()})
    )


def _stacked(found: dict[str, Tensor]) -> Tensor:
    """Return matrices of several widths as one of 128 columns: every group stays whole."""
    return torch.cat([weight.reshape(-1, 128) for weight in found.values()])


def _mean_bits(restored: list[Restored]) -> float:
    weights = sum(found.weight.numel() for found in restored)
    return round(sum(found.bits * found.weight.numel() for found in restored) / weights, 4)


def _version(library: str) -> str | None:
    return importlib.metadata.version(_PACKAGES[library]) if is_installed(library) else None


def _digits(value: float) -> float:
    return float(f"{value:.4g}")


if __name__ == "__main__":
    main()
