from typing import Any

import pytest

from xverse_chat.checkpoint.config_file import (
    generation_config,
    generation_settings,
    llama_config,
    model_folder_config,
)
from xverse_chat.errors import DataError

UPSTREAM = {
    "architectures": ["XverseForCausalLM"],
    "auto_map": {"AutoModelForCausalLM": "modeling_xverse.XverseForCausalLM"},
    "model_type": "xverse",
    "vocab_size": 100534,
    "hidden_size": 4096,
    "intermediate_size": 11008,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "max_position_embeddings": 8192,
    "rms_norm_eps": 1e-6,
    "hidden_act": "silu",
    "tie_word_embeddings": False,
    "pad_token_id": 1,
    "bos_token_id": 2,
    "eos_token_id": 3,
    "_attn_implementation_internal": "evil/kernels",
}


def test_upstreams_config_becomes_a_plain_llama_with_its_fixed_rope_base() -> None:
    config = llama_config(UPSTREAM)
    assert config["rope_theta"] == 10000.0
    assert config["num_key_value_heads"] == 32
    assert not {"auto_map", "architectures", "_attn_implementation_internal"} & config.keys()


def test_a_model_folders_config_reads_back_as_the_same_model() -> None:
    config = llama_config(UPSTREAM)
    assert llama_config(model_folder_config(config, dtype="bfloat16")) == config


def test_the_form_that_transformers_5_writes_is_read() -> None:
    newer = {**UPSTREAM, "rope_parameters": {"rope_type": "default", "rope_theta": 500000.0}}
    assert llama_config(newer)["rope_theta"] == 500000.0


@pytest.mark.parametrize(
    "key",
    [
        "vocab_size",
        "hidden_size",
        "intermediate_size",
        "num_hidden_layers",
        "num_attention_heads",
        "max_position_embeddings",
    ],
)
def test_a_missing_shape_key_is_an_error_never_a_default(key: str) -> None:
    with pytest.raises(DataError, match=key):
        llama_config({name: value for name, value in UPSTREAM.items() if name != key})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("model_type", "gpt2"),
        ("hidden_size", -4096),
        ("hidden_size", 4097),
        ("hidden_size", "4096"),
        ("hidden_size", True),
        ("num_hidden_layers", 10**9),
        ("rms_norm_eps", float("nan")),
        ("rms_norm_eps", 0.5),
        ("hidden_act", "gelu"),
        ("num_key_value_heads", 8),
        ("attention_bias", True),
        ("rope_scaling", {"type": "ntk", "factor": 8}),
        ("rope_parameters", {"rope_type": "yarn"}),
        ("tie_word_embeddings", "no"),
        ("eos_token_id", 100534),
        ("pad_token_id", -1),
        ("pad_token_id", [1]),
    ],
)
def test_a_value_that_cannot_be_is_refused(key: str, value: Any) -> None:
    with pytest.raises(DataError, match=key.removesuffix("_type")):
        llama_config({**UPSTREAM, key: value})


def test_generation_settings_are_read_and_absent_keys_have_our_defaults() -> None:
    settings = generation_settings({"do_sample": True, "temperature": 0.5, "top_k": 30, "eos": 3})
    assert (settings.do_sample, settings.temperature, settings.top_k) == (True, 0.5, 30)
    assert (settings.top_p, settings.max_new_tokens) == (1.0, 2048)


def test_a_temperature_of_zero_is_not_looked_at_where_nothing_is_sampled() -> None:
    assert not generation_settings({"do_sample": False, "temperature": 0}).do_sample


@pytest.mark.parametrize(
    "data",
    [
        {"do_sample": True, "temperature": 0},
        {"do_sample": True, "temperature": "hot"},
        {"max_new_tokens": 0},
        {"max_new_tokens": True},
        {"repetition_penalty": float("nan")},
        {"do_sample": 1},
    ],
)
def test_impossible_generation_settings_are_refused(data: dict[str, Any]) -> None:
    with pytest.raises(DataError, match=r"generation_config\.json"):
        generation_settings(data)


def test_token_ids_missing_in_the_generation_config_come_from_the_config() -> None:
    written = generation_config({"max_new_tokens": 64, "eos_token_id": 5}, llama_config(UPSTREAM))
    assert (written["eos_token_id"], written["pad_token_id"]) == (5, 1)
    assert "temperature" not in written


def test_a_model_whose_replies_would_never_end_is_refused() -> None:
    config = llama_config({**UPSTREAM, "eos_token_id": None})
    with pytest.raises(DataError, match="eos_token_id"):
        generation_config({}, config)
