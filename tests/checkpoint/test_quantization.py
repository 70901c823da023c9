import copy
import json
import math
from pathlib import Path
from typing import Any

import pytest

from tests.checkpoint.test_config_file import UPSTREAM
from xverse_chat.checkpoint.config_file import llama_config
from xverse_chat.checkpoint.quantization import (
    GROUP_SIZE,
    LM_HEAD_BITS,
    linear_bits,
    quantization_config,
    read_quantization_bits,
    stored_forms,
)
from xverse_chat.checkpoint.weights import expected_tensors
from xverse_chat.engine import quant
from xverse_chat.errors import DataError

SHAPES_7B = {"vocab_size": 100_534, "hidden_size": 4096, "intermediate_size": 11_008}
SHAPES_13B = {"vocab_size": 100_534, "hidden_size": 5120, "intermediate_size": 13_824}
SHAPES_65B = {"vocab_size": 100_534, "hidden_size": 8192, "intermediate_size": 22_016}


def config_of(**changes: Any) -> dict[str, Any]:
    return llama_config({**UPSTREAM, "num_attention_heads": 32, "num_hidden_layers": 2, **changes})


def write(folder: Path, section: object) -> None:
    text = json.dumps({"quantization_config": section})
    (folder / "config.json").write_text(text, encoding="utf-8")


def test_the_numbers_are_the_engines() -> None:
    assert (GROUP_SIZE, LM_HEAD_BITS) == (quant.GROUP_SIZE, quant.LM_HEAD_BITS)


@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("is_tied", [False, True])
def test_what_is_written_is_known_again(bits: int, is_tied: bool, tmp_path: Path) -> None:
    config = config_of(tie_word_embeddings=is_tied)
    write(tmp_path, quantization_config(config, bits))
    assert read_quantization_bits(tmp_path, config) == bits


def test_a_config_without_the_section_is_of_16_bits(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    assert read_quantization_bits(tmp_path, config_of()) is None


def changed(path: str, value: object) -> Any:
    section: Any = copy.deepcopy(quantization_config(config_of(), 4))
    *parents, last = path.split(".")
    node = section
    for name in parents:
        node = node[name]
    node[last] = value
    return section


@pytest.mark.parametrize(
    "section",
    [
        changed("quant_method", "gptq"),
        changed("format", "int-quantized"),
        changed("ignore", ["lm_head"]),
        changed("config_groups.group_1.weights.group_size", 128),
        changed("config_groups.group_1.weights.symmetric", True),
        changed("config_groups.group_1.weights.num_bits", 3),
        changed("config_groups.group_1.targets", ["re:(a+)+$"]),
        changed("config_groups.group_1.input_activations", {"num_bits": 8}),
        changed("config_groups.group_2", {}),
        changed("kv_cache_scheme", {"num_bits": 8}),
        {},
        [],
        "int4",
        4,
    ],
)
def test_any_other_quantization_is_refused(section: object, tmp_path: Path) -> None:
    write(tmp_path, section)
    with pytest.raises(DataError, match="quantized in another way"):
        read_quantization_bits(tmp_path, config_of())


@pytest.mark.parametrize("shapes", [SHAPES_7B, SHAPES_13B, SHAPES_65B])
def test_every_linear_of_the_family_fills_whole_words(shapes: dict[str, int]) -> None:
    config = config_of(**shapes)
    for bits in (4, 8):
        forms = stored_forms(config, bits)
        for name, (rows, *columns) in expected_tensors(config).items():
            own_bits = linear_bits(name, config, bits)
            if own_bits is None:
                assert forms[name].shape == (rows, *columns)
                continue
            assert columns[0] * own_bits % 32 == 0
            assert forms[name + "_packed"].shape == (rows, columns[0] * own_bits // 32)
            groups = columns[0] // 64 if own_bits == 4 else 1
            assert forms[name + "_scale"].shape == (rows, groups)
            assert (name + "_zero_point" in forms) == (own_bits == 4)


def test_the_head_keeps_8_bits_and_a_tied_one_is_none() -> None:
    config = config_of()
    assert linear_bits("lm_head.weight", config, 4) == 8
    assert linear_bits("model.layers.0.mlp.up_proj.weight", config, 4) == 4
    assert linear_bits("model.embed_tokens.weight", config, 4) is None
    assert linear_bits("model.norm.weight", config, 8) is None
    tied = config_of(tie_word_embeddings=True)
    assert quantization_config(tied, 4)["ignore"] == ["lm_head"]
    assert not any(name.startswith("lm_head") for name in stored_forms(tied, 4))


def test_4_bits_take_a_third_of_16() -> None:
    config = llama_config({**UPSTREAM, **SHAPES_7B, "num_hidden_layers": 32})
    width = {"int32": 4, "int64": 8, "float16": 2}

    def gigabytes(bits: int | None) -> float:
        forms = stored_forms(config, bits).values()
        return sum(math.prod(form.shape) * width[form.dtypes[0]] for form in forms) / 1e9

    assert gigabytes(None) == pytest.approx(14.6, abs=0.1)
    assert gigabytes(8) == pytest.approx(7.7, abs=0.1)
    assert gigabytes(4) == pytest.approx(4.7, abs=0.1)
