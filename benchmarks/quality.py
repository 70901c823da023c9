"""Quality of the quantization: ours beside what a user would pick instead.

``python -m benchmarks.quality --out RESULT.json``. Some minutes on two cores; no GPU is used. Other
libraries are measured where they are installed: ``bitsandbytes``, ``hqq``, ``torchao`` and
``llama-cpp-python``.
"""

import argparse
import importlib.metadata
import json
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import LlamaForCausalLM

from benchmarks.machine import describe_machine
from benchmarks.quality_dialogues import DIALOGUES, Row, answer_states, compare, held_out_rows
from benchmarks.quality_matrices import COLUMNS, ROWS, matrices, output_error, relative_error
from benchmarks.quality_schemes import Place, Restored, is_installed, schemes
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
        "dialogues": f"{DIALOGUES} held out from the demo model's training, tokens of answers",
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
        if scheme.name.endswith("across rows"):
            continue  # the same as Q4_K where the width is a multiple of 256
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
    """Yield what other searches for 4-bit scales give, on random matrices and the demo's."""
    exact = {**dict(matrices()), "demo model": _stacked(demo.matrices)}
    for variant in VARIANTS:
        began = time.monotonic()
        errors = {
            name: _digits(relative_error(weight, variant.restored(weight)))
            for name, weight in exact.items()
        }
        seconds = round(time.monotonic() - began, 2)
        bits = round(variant.bits, 4)
        yield {"scheme": variant.name, "bits": bits, "errors": errors, "seconds": seconds}


def _on_dialogues(demo: _Demo) -> Iterator[dict[str, object]]:
    """Yield what each scheme does to answers, with its own lm_head and with an exact one."""
    exact_head = demo.exact["lm_head"]
    exact = answer_states(demo.model, demo.rows), exact_head
    unchanged = compare(demo.rows, exact, exact).figures()
    yield {"scheme": "full precision", "bits": 16, "head": "16 bits", "own_head": unchanged}
    for scheme in schemes():
        if not is_installed(scheme.library):
            yield {"scheme": scheme.name, "bits": None, "head": scheme.head_name, "own_head": None}
            continue
        restored = {name: scheme.linear(w, demo.place(name)) for name, w in demo.matrices.items()}
        head = scheme.head(exact_head)
        states = demo.states_with(restored)
        yield {
            "scheme": scheme.name,
            "bits": _mean_bits([*restored.values()]),
            "bits_with_head": _mean_bits([*restored.values(), head]),
            "head": scheme.head_name,
            "error": _digits(_error(demo, restored)),
            "own_head": compare(demo.rows, exact, (states, head.weight)).figures(),
            "exact_head": compare(demo.rows, exact, (states, exact_head)).figures(),
        }


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
