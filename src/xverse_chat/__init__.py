"""XVERSE-7B-Chat in a terminal, and from Python by the two calls people know.

``XverseForCausalLM`` and ``load_tokenizer`` are found lazily: importing this package loads
neither torch nor transformers.
"""

from typing import Any

__version__ = "0.1.0"

__all__ = ["XverseForCausalLM", "__version__", "load_tokenizer"]


def __getattr__(name: str) -> Any:
    if name == "XverseForCausalLM":
        from xverse_chat.engine.model import XverseForCausalLM

        return XverseForCausalLM
    if name == "load_tokenizer":
        from xverse_chat.engine.tokenizer import load_tokenizer

        return load_tokenizer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
