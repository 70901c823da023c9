"""``config.json`` and ``generation_config.json``: a whitelist with ranges, never the file itself.

Upstream's config is that of remote code, with defaults of another model's shape; a model folder's
is plain Llama. Both are read here, key by key. Standard library only.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from xverse_chat.checkpoint.json_file import read_json
from xverse_chat.config import GenerationSettings
from xverse_chat.errors import DataError
from xverse_chat.wording import say

# Fixed in upstream's rotary embedding; its config has no key for it.
UPSTREAM_ROPE_THETA = 10000.0

_KNOWN_TYPES = ("xverse", "llama")
# Key: smallest and largest value. Without these a model has no shape: no default would be right.
_SHAPE = {
    "vocab_size": (8, 2**22),
    "hidden_size": (8, 2**16),
    "intermediate_size": (8, 2**18),
    "num_hidden_layers": (1, 512),
    "num_attention_heads": (1, 1024),
    "max_position_embeddings": (16, 2**22),
}
_TOKEN_IDS = ("pad_token_id", "bos_token_id", "eos_token_id")
# Switches of Llama variants that XVERSE does not have; a value other than these is refused.
_ABSENT = {"attention_bias": (None, False), "mlp_bias": (None, False), "rope_scaling": (None,)}
_SAMPLING = (
    "do_sample",
    "temperature",
    "top_p",
    "top_k",
    "repetition_penalty",
    "max_new_tokens",
)


def read_config(folder: Path) -> dict[str, Any]:
    """Return ``llama_config`` of the ``config.json`` in ``folder``. Raises DataError, DiskError."""
    return llama_config(read_json(folder / "config.json"))


def read_generation_config(folder: Path, config: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``generation_config`` of the ``generation_config.json`` in ``folder``.

    Upstream may have none: then our defaults hold, with the token ids of ``config``.
    """
    path = folder / "generation_config.json"
    return generation_config(read_json(path) if path.exists() else {}, config)


def llama_config(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keyword arguments of a ``LlamaConfig`` from upstream's or a model folder's.

    Unknown keys are left out. Raises DataError for a missing shape key, a value out of range, or
    an architecture that is not XVERSE's.
    """
    if (kind := data.get("model_type")) not in _KNOWN_TYPES:
        raise DataError(
            say(
                "config.json describes a model of type {kind!r}; this program runs dense "
                "XVERSE models and plain Llama folders made from them.",
                kind=kind,
            )
        )
    config: dict[str, Any] = {
        key: _whole(data, key, least, most) for key, (least, most) in _SHAPE.items()
    }
    heads, hidden = config["num_attention_heads"], config["hidden_size"]
    if hidden % heads or hidden // heads % 2:
        raise DataError(
            say(
                "config.json is refused: hidden_size {hidden} cannot be divided among "
                "{heads} heads.",
                hidden=hidden,
                heads=heads,
            )
        )
    _refuse_variants(data, heads=heads, head_size=hidden // heads)
    config["num_key_value_heads"] = heads
    config["hidden_act"] = "silu"
    config["rms_norm_eps"] = _number(data, "rms_norm_eps", 1e-12, 1e-2, default=1e-6)
    config["initializer_range"] = _number(data, "initializer_range", 0.0, 1.0, default=0.02)
    config["rope_theta"] = _rope_theta(data)
    tied = data.get("tie_word_embeddings", False)
    if not isinstance(tied, bool):
        raise DataError(say("config.json is refused: tie_word_embeddings is {tied!r}.", tied=tied))
    config["tie_word_embeddings"] = tied
    for key in _TOKEN_IDS:
        config[key] = _token_id(data.get(key), key, config["vocab_size"])
    return config


def model_folder_config(config: Mapping[str, Any], *, dtype: str) -> dict[str, Any]:
    """Return the ``config.json`` of a model folder: what any Llama engine reads.

    ``config`` is from ``llama_config``; ``dtype`` such as ``bfloat16``.
    """
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        **config,
        "head_dim": config["hidden_size"] // config["num_attention_heads"],
        "attention_bias": False,
        "mlp_bias": False,
        "attention_dropout": 0.0,
        "use_cache": True,
        "torch_dtype": dtype,
    }


def generation_settings(data: Mapping[str, Any]) -> GenerationSettings:
    """Return the settings in a ``generation_config.json``; a key that is absent has our default.

    Raises DataError for values that cannot be. ``temperature`` and the filters are not looked at
    where nothing is sampled.
    """
    given = {key: data[key] for key in _SAMPLING if data.get(key) is not None}
    if not given.get("do_sample", GenerationSettings().do_sample):
        given = {key: given[key] for key in given.keys() - {"temperature", "top_p", "top_k"}}
    for key, value in given.items():
        wanted = {"do_sample": bool, "top_k": int, "max_new_tokens": int}.get(key, (int, float))
        if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
            raise DataError(
                say("generation_config.json is refused: {key} is {value!r}.", key=key, value=value)
            )
    try:
        return GenerationSettings().overridden(given)
    except ValueError as error:
        fault = error.args[0]
        raise DataError(say("generation_config.json is refused: {fault}.", fault=fault)) from error


def generation_config(data: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the ``generation_config.json`` of a model folder.

    Token ids that upstream's ``data`` lacks come from ``config`` (from ``llama_config``). Raises
    DataError when no end-of-text id is known: replies would never end.
    """
    settings = asdict(generation_settings(data))
    del settings["seed"]
    if not settings["do_sample"]:
        for key in ("temperature", "top_p", "top_k"):
            del settings[key]
    for key in _TOKEN_IDS:
        token_id = _token_id(data.get(key), key, config["vocab_size"])
        settings[key] = config[key] if token_id is None else token_id
    if settings["eos_token_id"] is None:
        raise DataError(say("Neither generation_config.json nor config.json has an eos_token_id."))
    return settings


def _refuse_variants(data: Mapping[str, Any], *, heads: int, head_size: int) -> None:
    allowed = {
        **_ABSENT,
        "hidden_act": ("silu",),
        "num_key_value_heads": (None, heads),
        "head_dim": (None, head_size),
    }
    for key, values in allowed.items():
        if data.get(key, values[0]) not in values:
            raise DataError(
                say(
                    "config.json is refused: {key} is {value!r}, which no dense XVERSE model has.",
                    key=key,
                    value=data[key],
                )
            )


def _rope_theta(data: Mapping[str, Any]) -> float:
    parameters = data.get("rope_parameters")  # where transformers 5 writes it
    if parameters is not None:
        if not isinstance(parameters, dict) or parameters.get("rope_type") != "default":
            raise DataError(
                say(
                    "config.json is refused: rope_parameters is {parameters!r}.",
                    parameters=parameters,
                )
            )
        data = parameters
    return _number(data, "rope_theta", 1.0, 1e9, default=UPSTREAM_ROPE_THETA)


def _whole(data: Mapping[str, Any], key: str, least: int, most: int) -> int:
    value = data.get(key)
    if value is None:
        raise DataError(
            say("config.json lacks {key}: the model's shape is not known without it.", key=key)
        )
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise DataError(
            say(
                "config.json is refused: {key} is {value!r}, not a whole number from {least} "
                "to {most}.",
                key=key,
                value=value,
                least=least,
                most=most,
            )
        )
    return value


def _number(
    data: Mapping[str, Any], key: str, least: float, most: float, *, default: float
) -> float:
    value = data.get(key)
    if value is None:
        return default
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise DataError(
            say(
                "config.json is refused: {key} is {value!r}, which is no number.",
                key=key,
                value=value,
            )
        )
    if not least <= value <= most:
        raise DataError(
            say(
                "config.json is refused: {key} is {value}, not from {least} to {most}.",
                key=key,
                value=value,
                least=least,
                most=most,
            )
        )
    return float(value)


def _token_id(value: Any, key: str, vocab_size: int) -> int | None:
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < vocab_size:
        raise DataError(
            say(
                "The model's files are refused: {key} is {value!r}, which is no token id.",
                key=key,
                value=value,
            )
        )
    return value
