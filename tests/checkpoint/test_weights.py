import math

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from tests.checkpoint.test_config_file import UPSTREAM
from xverse_chat.checkpoint.config_file import llama_config
from xverse_chat.checkpoint.weights import (
    check_complete,
    check_weights,
    expected_tensors,
    parameter_count,
)
from xverse_chat.errors import DataError

SMALL = llama_config(
    {
        **UPSTREAM,
        "vocab_size": 64,
        "hidden_size": 128,
        "intermediate_size": 192,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
    }
)
NAME = "model.layers.0.mlp.up_proj.weight"


def good() -> torch.Tensor:
    return torch.randn(192, 128, generator=torch.Generator().manual_seed(0)).half()


def test_the_tensors_are_those_of_transformers_llama() -> None:
    with torch.device("meta"):
        model = LlamaForCausalLM(LlamaConfig(**SMALL))
    shapes = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    assert expected_tensors(SMALL) == shapes


def test_the_7b_model_has_as_many_parameters_as_published() -> None:
    assert parameter_count(llama_config(UPSTREAM)) == 7_299_846_144


def test_good_weights_and_old_buffers_pass() -> None:
    tensors = {NAME: good(), "model.layers.0.self_attn.rotary_emb.inv_freq": torch.zeros(3)}
    check_weights(tensors, expected_tensors(SMALL), where="m.bin")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_one_value_that_is_not_finite_is_found(value: float) -> None:
    tensor = good()
    tensor[191, 127] = value
    with pytest.raises(DataError, match=rf"m\.bin is damaged: {NAME} .* not finite"):
        check_weights({NAME: tensor}, expected_tensors(SMALL), where="m.bin")


def test_a_block_of_zeros_is_found() -> None:
    tensor = good()
    tensor.view(-1)[1000:1200] = 0
    with pytest.raises(DataError, match="zeros"):
        check_weights({NAME: tensor}, expected_tensors(SMALL), where="m.bin")


def test_an_embedding_may_have_unused_rows_but_not_be_blank() -> None:
    table = torch.randn(64, 128)
    table[1] = 0
    check_weights({"model.embed_tokens.weight": table}, expected_tensors(SMALL), where="m.bin")
    with pytest.raises(DataError, match="nothing but zeros"):
        check_weights(
            {"model.embed_tokens.weight": table * 0}, expected_tensors(SMALL), where="m.bin"
        )


@pytest.mark.parametrize(
    ("name", "tensor", "told"),
    [
        (NAME, torch.randn(192, 127), "shape"),
        (NAME, torch.ones(192, 128, dtype=torch.int8), "type"),
        ("model.layers.9.mlp.up_proj.weight", torch.randn(192, 128), "no tensor of this model"),
    ],
)
def test_foreign_tensors_are_refused(name: str, tensor: torch.Tensor, told: str) -> None:
    with pytest.raises(DataError, match=told):
        check_weights({name: tensor}, expected_tensors(SMALL), where="m.bin")


def test_missing_tensors_are_counted_and_the_first_is_named() -> None:
    expected = expected_tensors(SMALL)
    with pytest.raises(DataError, match=r"2 of 21 tensors are missing, the first is model\.norm"):
        check_complete(set(list(expected)[:-2]), expected, where="folder")
