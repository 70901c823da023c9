"""The model and the prompt written a second time, from their description and not from our code.

The plainest form: no cache, no batching, every step computed from the beginning.
"""

import math
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor


def logits(weights: Mapping[str, Tensor], ids: Sequence[int], *, heads: int) -> Tensor:
    """Return (T, V) for token ids, in the dtype of the weights."""
    hidden = weights["model.embed_tokens.weight"][torch.tensor(ids)]
    layer = 0
    while f"model.layers.{layer}.input_layernorm.weight" in weights:
        part = {
            name.removeprefix(f"model.layers.{layer}."): tensor
            for name, tensor in weights.items()
            if name.startswith(f"model.layers.{layer}.")
        }
        hidden = hidden + attention(part, norm(hidden, part["input_layernorm.weight"]), heads)
        normed = norm(hidden, part["post_attention_layernorm.weight"])
        gate = normed @ part["mlp.gate_proj.weight"].T
        up = normed @ part["mlp.up_proj.weight"].T
        hidden = hidden + (gate * torch.sigmoid(gate) * up) @ part["mlp.down_proj.weight"].T
        layer += 1
    return norm(hidden, weights["model.norm.weight"]) @ weights["lm_head.weight"].T


def attention(part: Mapping[str, Tensor], hidden: Tensor, heads: int) -> Tensor:
    length, width = hidden.shape
    q, k, v = (
        (hidden @ part[f"self_attn.{name}_proj.weight"].T).view(length, heads, -1).transpose(0, 1)
        for name in "qkv"
    )
    q, k = rotate(q), rotate(k)
    scores = q @ k.transpose(1, 2) / math.sqrt(width // heads)
    scores = scores.masked_fill(torch.ones(length, length).triu(1).bool(), -math.inf)
    mixed = (torch.softmax(scores, dim=-1) @ v).transpose(0, 1).reshape(length, width)
    return mixed @ part["self_attn.o_proj.weight"].T


def rotate(x: Tensor) -> Tensor:
    """Rotate the halves of (H, T, D) by the angles of RoPE with base 10000."""
    half = x.shape[-1] // 2
    frequencies = 10000.0 ** (-torch.arange(half, dtype=x.dtype) / half)
    angles = torch.arange(x.shape[1], dtype=x.dtype)[:, None] * frequencies
    first, second = x[..., :half], x[..., half:]
    cos, sin = angles.cos(), angles.sin()
    return torch.cat([first * cos - second * sin, second * cos + first * sin], dim=-1)


def norm(x: Tensor, weight: Tensor) -> Tensor:
    return weight * x / torch.sqrt(x.square().mean(-1, keepdim=True) + 1e-6)


def upstream_prompt(
    encode: Callable[[str], list[int]],
    messages: Sequence[Mapping[str, str]],
    *,
    context: int,
    max_new_tokens: int,
    eos: int,
) -> list[int]:
    """Return the ids of upstream's ``chat()``, step by step as its description has them."""
    budget = max(context // 2, context - max_new_tokens)
    total: list[int] = []
    waiting: list[int] = []
    for position in range(len(messages) - 1, -1, -1):
        message = messages[position]
        is_last = position == len(messages) - 1
        if message["role"] == "assistant":
            waiting = [*encode("Assistant: " + message["content"]), eos, *waiting]
            continue
        text = "Human: " + message["content"] + "\n\n" + ("Assistant: " if is_last else "")
        one_round = encode(text) + waiting
        waiting = []
        if not is_last and len(total) + len(one_round) > budget:
            break
        total = one_round + total
        if len(total) >= budget:
            break
    return total[-budget:]
