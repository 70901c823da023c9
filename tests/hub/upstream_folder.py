"""An XVERSE checkpoint as ModelScope has it, of any size, with random weights.

Pickled shards, the tokenizer that current libraries refuse, and code that must never run.
``python -m tests.hub.upstream_folder FOLDER`` writes one of the real shape, 14.6 GB.
"""

import argparse
import json
import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from tests.hub.upstream_tokenizer import upstream_tokenizer

DTYPES = {"float16": torch.float16, "bfloat16": torch.bfloat16, "float32": torch.float32}
PIECE_VALUES = 2**22

# Leaves a trace when it is imported or run: $HOSTILE_MARKER, else a file beside itself.
HOSTILE_CODE = """\
import os, pathlib
marker = os.environ.get("HOSTILE_MARKER") or pathlib.Path(__file__).parent / "CODE-HAS-RUN"
pathlib.Path(marker).write_text(__name__)
raise SystemExit("code of a model repository was run")
"""


@dataclass(frozen=True, slots=True)
class Shape:
    """The numbers of a config.json. The default is a model of a few hundred kilobytes."""

    vocab_size: int = 512
    hidden_size: int = 64
    intermediate_size: int = 176
    num_hidden_layers: int = 3
    num_attention_heads: int = 4
    max_position_embeddings: int = 512


TINY = Shape()
XVERSE_7B = Shape(100_534, 4096, 11_008, 32, 32, 8192)


def build_upstream_folder(
    folder: Path,
    *,
    shape: Shape = TINY,
    shards: int = 3,
    seed: int = 0,
    dtype: str = "bfloat16",
) -> Path:
    """Write a whole upstream folder and return it. Memory needed: about one shard."""
    folder.mkdir(parents=True, exist_ok=True)
    write_small_files(folder, shape, dtype)
    names = dict(tensor_shapes(shape))
    plan = split_evenly(names, shards, DTYPES[dtype].itemsize)
    weight_map: dict[str, str] = {}
    for number, part in enumerate(plan, start=1):
        file = f"pytorch_model-{number:05}-of-{shards:05}.bin"
        first = sum(len(earlier) for earlier in plan[: number - 1])
        tensors = random_tensors(part, DTYPES[dtype], seed=seed * 10_000 + first)
        tensors |= rotary_buffers(part, shape)
        torch.save(tensors, folder / file)
        weight_map |= dict.fromkeys(tensors, file)
        del tensors
    total = sum(torch.Size(size).numel() for size in names.values()) * DTYPES[dtype].itemsize
    index = {"metadata": {"total_size": total}, "weight_map": weight_map}
    write_json(folder / "pytorch_model.bin.index.json", index)
    return folder


def write_small_files(folder: Path, shape: Shape, dtype: str) -> None:
    """Write everything but the weights."""
    write_json(folder / "config.json", upstream_config(shape, dtype))
    write_json(
        folder / "generation_config.json",
        {
            "pad_token_id": 1,
            "bos_token_id": 2,
            "eos_token_id": 3,
            "max_new_tokens": min(2048, shape.max_position_embeddings // 4),
            "do_sample": True,
            "temperature": 0.5,
            "top_k": 30,
            "top_p": 0.85,
            "repetition_penalty": 1.1,
            "transformers_version": "4.29.1",
        },
    )
    specials = {
        "bos_token": "<|startoftext|>",
        "eos_token": "<|endoftext|>",
        "pad_token": "<pad>",
        "unk_token": "<unk>",
    }
    write_json(folder / "special_tokens_map.json", specials)
    write_json(
        folder / "tokenizer_config.json",
        {**specials, "tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 10**30},
    )
    write_json(folder / "tokenizer.json", upstream_tokenizer())
    for code in ("configuration_xverse.py", "modeling_xverse.py", "quantization.py"):
        (folder / code).write_text(HOSTILE_CODE, encoding="utf-8")
    (folder / "README.md").write_text("# XVERSE\n", encoding="utf-8")


def upstream_config(shape: Shape, dtype: str) -> dict[str, Any]:
    """Return a config.json with upstream's quirks: remote code, no rope_theta, no kv heads."""
    return {
        "architectures": ["XverseForCausalLM"],
        "auto_map": {
            "AutoConfig": "configuration_xverse.XverseConfig",
            "AutoModelForCausalLM": "modeling_xverse.XverseForCausalLM",
        },
        "model_type": "xverse",
        "vocab_size": shape.vocab_size,
        "hidden_size": shape.hidden_size,
        "intermediate_size": shape.intermediate_size,
        "num_hidden_layers": shape.num_hidden_layers,
        "num_attention_heads": shape.num_attention_heads,
        "max_position_embeddings": shape.max_position_embeddings,
        "hidden_act": "silu",
        "initializer_range": 0.02,
        "rms_norm_eps": 1e-06,
        "pad_token_id": 1,
        "bos_token_id": 2,
        "eos_token_id": 3,
        "tie_word_embeddings": False,
        "torch_dtype": dtype,
        "transformers_version": "4.29.1",
        "use_cache": True,
    }


def tensor_shapes(shape: Shape) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield name and shape of each weight, in order. Told apart from the code under test."""
    hidden, inner = shape.hidden_size, shape.intermediate_size
    yield "model.embed_tokens.weight", (shape.vocab_size, hidden)
    for layer in range(shape.num_hidden_layers):
        prefix = f"model.layers.{layer}"
        for name in "qkvo":
            yield f"{prefix}.self_attn.{name}_proj.weight", (hidden, hidden)
        yield f"{prefix}.mlp.gate_proj.weight", (inner, hidden)
        yield f"{prefix}.mlp.down_proj.weight", (hidden, inner)
        yield f"{prefix}.mlp.up_proj.weight", (inner, hidden)
        yield f"{prefix}.input_layernorm.weight", (hidden,)
        yield f"{prefix}.post_attention_layernorm.weight", (hidden,)
    yield "model.norm.weight", (hidden,)
    yield "lm_head.weight", (shape.vocab_size, hidden)


def split_evenly(
    names: Mapping[str, tuple[int, ...]], shards: int, item_bytes: int
) -> list[dict[str, tuple[int, ...]]]:
    """Deal the tensors, in order, into ``shards`` parts of about the same size."""
    total = sum(torch.Size(shape).numel() for shape in names.values()) * item_bytes
    parts: list[dict[str, tuple[int, ...]]] = [{} for _ in range(shards)]
    done = 0
    for position, (name, shape) in enumerate(names.items()):
        middle = done + torch.Size(shape).numel() * item_bytes / 2
        by_size = min(shards - 1, int(middle * shards / total))
        left_over = len(names) - position  # every shard gets a tensor at least
        parts[max(by_size, shards - left_over)][name] = shape
        done += torch.Size(shape).numel() * item_bytes
    if not all(parts):
        raise ValueError(f"{len(names)} tensors cannot be dealt into {shards} shards")
    return parts


def random_tensors(
    part: Mapping[str, tuple[int, ...]], dtype: torch.dtype, *, seed: int
) -> dict[str, torch.Tensor]:
    """Return weights that keep activations finite: rows of length one, norms near one."""
    tensors = {}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for number, (name, shape) in enumerate(part.items()):
            tensor = torch.empty(shape, dtype=dtype)
            flat = tensor.view(-1)
            scale, centre = (0.05, 1.0) if len(shape) == 1 else (shape[-1] ** -0.5, 0.0)
            starts = range(0, flat.numel(), PIECE_VALUES)
            fills = [
                pool.submit(
                    _fill, flat[at : at + PIECE_VALUES], scale, centre, (seed + number) * 1000 + i
                )
                for i, at in enumerate(starts)
            ]
            for fill in fills:
                fill.result()
            tensors[name] = tensor
    return tensors


def rotary_buffers(part: Mapping[str, object], shape: Shape) -> dict[str, torch.Tensor]:
    """Return the inverse frequencies that old checkpoints carry beside each layer's queries."""
    head = shape.hidden_size // shape.num_attention_heads
    frequencies = 1.0 / 10000 ** (torch.arange(0, head, 2).float() / head)
    return {
        name.replace("q_proj.weight", "rotary_emb.inv_freq"): frequencies.clone()
        for name in part
        if name.endswith("q_proj.weight")
    }


def write_json(path: Path, data: object) -> None:
    path.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _fill(piece: torch.Tensor, scale: float, centre: float, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    values = torch.randn(piece.shape, generator=generator, dtype=torch.float32)
    piece.copy_(values.mul_(scale).add_(centre))


def main() -> None:
    parser = argparse.ArgumentParser(description="Write an upstream folder of the 7B shape.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--shards", type=int, default=8)
    parser.add_argument("--layers", type=int, default=XVERSE_7B.num_hidden_layers)
    parser.add_argument("--dtype", choices=sorted(DTYPES), default="bfloat16")
    options = parser.parse_args()
    shape = Shape(
        **{
            name: getattr(XVERSE_7B, name)
            for name in Shape.__dataclass_fields__
            if name != "num_hidden_layers"
        },
        num_hidden_layers=options.layers,
    )
    build_upstream_folder(options.folder, shape=shape, shards=options.shards, dtype=options.dtype)


if __name__ == "__main__":
    main()
