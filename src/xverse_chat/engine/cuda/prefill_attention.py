"""Attention of a chunk of new tokens over all that the cache holds.

What ``torch.nn.attention.bias.causal_lower_right`` does, without importing torch's compiler with
it, which takes longer than loading a model.
"""

import torch
from torch import Tensor
from torch.backends.cuda import SDPAParams, can_use_flash_attention
from torch.nn import functional


def attend(query: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """Return (heads, T, head_dim) for the queries of the last T of L tokens.

    ``query`` (heads, T, head_dim); ``keys`` and ``values`` (heads, L, head_dim). Each query sees
    the tokens up to its own.
    """
    query, keys, values = query.unsqueeze(0), keys.unsqueeze(0), values.unsqueeze(0)
    parameters = SDPAParams(query, keys, values, None, 0.0, True, False)
    if query.is_cuda and can_use_flash_attention(parameters):
        # Its causal mask ends at the last query and the last key (flash-attention 2.1 and later).
        flash = torch.ops.aten._scaled_dot_product_flash_attention
        mixed: Tensor = flash(query, keys, values, 0.0, True, return_debug_mask=False)[0]
        return mixed.squeeze(0)
    tokens, length = query.shape[-2], keys.shape[-2]
    mask = torch.ones((tokens, length), dtype=torch.bool, device=query.device)
    return functional.scaled_dot_product_attention(
        query, keys, values, attn_mask=mask.tril(length - tokens)
    ).squeeze(0)
