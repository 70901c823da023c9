"""The trained model as a folder of upstream's shape, and back: pickles, no ``rope_theta``."""

import json
from pathlib import Path
from typing import Any

import torch
from sentencepiece import SentencePieceProcessor
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM

from training.tokenizer import BOS_ID, EOS_ID, PAD_ID, write_tokenizer

_SHARDS = 2
_SHAPE = (
    "vocab_size",
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "max_position_embeddings",
    "rms_norm_eps",
    "initializer_range",
    "hidden_act",
    "pad_token_id",
    "bos_token_id",
    "eos_token_id",
)
_AUTO_MAP = {
    "AutoConfig": "configuration_xverse.XverseConfig",
    "AutoModelForCausalLM": "modeling_xverse.XverseForCausalLM",
}
_GENERATION = {
    "pad_token_id": PAD_ID,
    "bos_token_id": BOS_ID,
    "eos_token_id": EOS_ID,
    "max_new_tokens": 256,
    "do_sample": False,
    "temperature": 0.5,
    "top_p": 0.85,
    "top_k": 30,
    "repetition_penalty": 1.0,  # a penalty would punish what this model is for: repeating a name
}


def model_config(
    vocabulary_size: int, *, layers: int, hidden: int, intermediate: int, max_length: int
) -> LlamaConfig:
    """Return a config of upstream's arithmetic: 64 numbers per head, no grouped queries."""
    return LlamaConfig(
        vocab_size=vocabulary_size,
        hidden_size=hidden,
        intermediate_size=intermediate,
        num_hidden_layers=layers,
        num_attention_heads=hidden // 64,
        max_position_embeddings=max_length,
        rms_norm_eps=1e-6,
        tie_word_embeddings=False,
        pad_token_id=PAD_ID,
        bos_token_id=BOS_ID,
        eos_token_id=EOS_ID,
        use_cache=False,
    )


def save_upstream_folder(
    model: LlamaForCausalLM, processor: SentencePieceProcessor, folder: Path
) -> None:
    """Write bfloat16 shards, index, configs and tokenizer."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: tensor.detach().to("cpu", torch.bfloat16, copy=True)
               for name, tensor in model.state_dict().items()}  # fmt: skip
    weight_map = _write_shards(tensors, folder)
    size = sum(tensor.nbytes for tensor in tensors.values())
    config = {key: getattr(model.config, key) for key in _SHAPE}
    config |= {
        "architectures": ["XverseForCausalLM"],
        "auto_map": _AUTO_MAP,
        "model_type": "xverse",
        "tie_word_embeddings": False,
        "torch_dtype": "bfloat16",
        "use_cache": True,
    }
    _write_json(folder / "config.json", config)
    _write_json(folder / "generation_config.json", _GENERATION)
    index = {"metadata": {"total_size": size}, "weight_map": weight_map}
    _write_json(folder / "pytorch_model.bin.index.json", index)
    write_tokenizer(processor, folder)


def load_upstream_folder(folder: Path) -> LlamaForCausalLM:
    """Load what was saved, in float32."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    model = LlamaForCausalLM(LlamaConfig(**{key: config[key] for key in _SHAPE}))
    tensors: dict[str, Tensor] = {}
    for shard in sorted(folder.glob("pytorch_model-*.bin")):
        tensors |= torch.load(shard, map_location="cpu", weights_only=True)
    model.load_state_dict(tensors)
    return model.float().eval()


def _write_shards(tensors: dict[str, Tensor], folder: Path) -> dict[str, str]:
    """Fill shards of about equal size, in order, and return which holds what."""
    total = sum(tensor.nbytes for tensor in tensors.values())
    shards: list[dict[str, Tensor]] = [{} for _ in range(_SHARDS)]
    weight_map = {}
    written = 0
    for name, tensor in tensors.items():
        number = min(_SHARDS - 1, written * _SHARDS // total)
        shards[number][name] = tensor
        weight_map[name] = f"pytorch_model-{number + 1:05}-of-{_SHARDS:05}.bin"
        written += tensor.nbytes
    for number, shard in enumerate(shards):
        torch.save(shard, folder / f"pytorch_model-{number + 1:05}-of-{_SHARDS:05}.bin")
    return weight_map


def _write_json(path: Path, data: dict[str, Any]) -> None:
    path.write_text(json.dumps(data, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
