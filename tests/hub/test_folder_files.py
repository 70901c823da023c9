"""What a model folder is for: being read by others."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from xverse_chat.checkpoint.shards import read_index
from xverse_chat.checkpoint.tokenizer_file import mend_tokenizer

MESSAGES = [
    {"role": "user", "content": "你好，我叫 Li Wei 42"},
    {"role": "assistant", "content": "Hello!"},
    {"role": "user", "content": "what is my name?"},
]


def test_any_llama_engine_loads_every_weight(reference: Path) -> None:
    from transformers import AutoModelForCausalLM, LlamaForCausalLM

    model, info = AutoModelForCausalLM.from_pretrained(
        reference, output_loading_info=True, trust_remote_code=False
    )
    assert type(model) is LlamaForCausalLM
    assert model.dtype == torch.bfloat16
    assert not any(info.values()), info
    assert model.config.rope_parameters["rope_theta"] == 10000
    with torch.no_grad():
        assert torch.isfinite(model(torch.tensor([[5, 6, 7]])).logits).all()


def test_any_tokenizer_library_reads_the_mended_file(reference: Path, pristine: Path) -> None:
    from tokenizers import Tokenizer
    from transformers import AutoTokenizer

    original = json.loads((pristine / "tokenizer.json").read_text(encoding="utf-8"))
    with pytest.raises(Exception, match="prepend_scheme"):
        Tokenizer.from_str(json.dumps(original))
    mended = Tokenizer.from_str(json.dumps(mend_tokenizer(original)))
    tokenizer = AutoTokenizer.from_pretrained(reference)
    text = "Human: 你好 hello 123\n\nAssistant: "
    assert tokenizer(text)["input_ids"] == mended.encode(text).ids
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text
    specials = (tokenizer.pad_token, tokenizer.bos_token, tokenizer.eos_token)
    assert specials == ("<pad>", "<|startoftext|>", "<|endoftext|>")
    assert (tokenizer.pad_token_id, tokenizer.bos_token_id, tokenizer.eos_token_id) == (1, 2, 3)


def test_the_chat_template_gives_the_prompt_of_upstream(reference: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(reference)
    text = tokenizer.apply_chat_template(MESSAGES, tokenize=False, add_generation_prompt=True)
    assert text == (
        "Human: 你好，我叫 Li Wei 42\n\nAssistant: Hello!<|endoftext|>"
        "Human: what is my name?\n\nAssistant: "
    )


def test_generation_settings_arrive(reference: Path, pristine: Path) -> None:
    given, made = (
        json.loads((folder / "generation_config.json").read_text())
        for folder in (pristine, reference)
    )
    given.pop("transformers_version")
    assert made == given


def test_the_index_agrees_with_the_shards(reference: Path) -> None:
    index = read_index(reference)
    assert index.is_safetensors
    for file in index.files:
        promised = {name for name, holder in index.weight_map.items() if holder == file}
        assert promised == set(load_file(reference / file))


def test_no_trace_of_remote_code_is_left(reference: Path) -> None:
    for path in reference.glob("*.json"):
        assert "auto_map" not in path.read_text(encoding="utf-8")
