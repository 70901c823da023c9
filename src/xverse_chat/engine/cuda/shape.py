"""The numbers that the kernels are compiled for."""

from dataclasses import dataclass
from typing import Any

HEAD_DIMS = (64, 128)


@dataclass(frozen=True, slots=True)
class Shape:
    """Shape of a model and how its weights are stored. ``bits`` of the layers: 16, 8 or 4."""

    hidden: int
    intermediate: int
    layers: int
    heads: int
    vocab: int
    norm_eps: float
    bits: int
    head_bits: int
    is_bfloat16: bool

    @classmethod
    def of(cls, config: Any, *, bits: int, head_bits: int, is_bfloat16: bool) -> "Shape":
        """Return the shape of a Llama without grouped queries; ``config`` has its keys."""
        return cls(
            hidden=config.hidden_size,
            intermediate=config.intermediate_size,
            layers=config.num_hidden_layers,
            heads=config.num_attention_heads,
            vocab=config.vocab_size,
            norm_eps=config.rms_norm_eps,
            bits=bits,
            head_bits=head_bits,
            is_bfloat16=is_bfloat16,
        )

    @property
    def head_dim(self) -> int:
        """Dimensions of one head."""
        return self.hidden // self.heads

    def defines(self) -> list[str]:
        """Return the compiler's options that say all this."""
        return [
            f"-DBFLOAT16={int(self.is_bfloat16)}",
            f"-DBODY_BITS={self.bits}",
            f"-DHEAD_BITS={self.head_bits}",
            f"-DLAYERS={self.layers}",
            f"-DHIDDEN={self.hidden}",
            f"-DINTERMEDIATE={self.intermediate}",
            f"-DHEADS={self.heads}",
            f"-DHEAD_DIM={self.head_dim}",
            f"-DVOCAB={self.vocab}",
            f"-DNORM_EPS={self.norm_eps:.9e}f",
        ]
