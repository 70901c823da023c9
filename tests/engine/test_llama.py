import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.engine.conftest import SHAPE
from xverse_chat.checkpoint.config_file import read_config
from xverse_chat.config import demo_folder
from xverse_chat.engine.folders import inspect_folder
from xverse_chat.engine.llama import PlainLlama, with_forward
from xverse_chat.engine.model import XverseForCausalLM
from xverse_chat.engine.weights import load_weights
from xverse_chat.progress import NoProgress

IDS = torch.tensor([[5, 6, 7, 300, 12]])
CPU = torch.device("cpu")


def loaded(folder: Path, bits: int | None) -> PlainLlama:
    with torch.device("meta"):
        model = PlainLlama(read_config(folder))
    load_weights(
        model,
        inspect_folder(folder),
        device=CPU,
        dtype=torch.float32,
        bits=bits,
        progress=NoProgress(),
    )
    model.place_rotary(CPU)
    return model


def test_names_and_shapes_are_those_of_transformers(upstream: Path) -> None:
    whole = XverseForCausalLM.from_pretrained(upstream, dtype=torch.float32)
    plain = loaded(upstream, None)
    assert {name: p.shape for name, p in plain.named_parameters()} == {
        name: p.shape for name, p in whole.named_parameters()
    }
    own = plain.model.rotary_emb
    assert torch.equal(own.inv_freq, whole.model.rotary_emb.inv_freq)
    assert own.rope_type == whole.model.rotary_emb.rope_type
    assert own.attention_scaling == whole.model.rotary_emb.attention_scaling
    assert plain.config.num_hidden_layers == SHAPE.num_hidden_layers


@pytest.mark.parametrize("bits", [None, 8, 4])
def test_with_transformers_forward_the_same_weights_say_the_same(
    bits: int | None, upstream: Path
) -> None:
    whole = XverseForCausalLM.from_pretrained(upstream, dtype=torch.float32)
    if bits is not None:
        whole.quantize(bits)
    plain = loaded(upstream, bits)
    around = with_forward(plain)
    assert torch.equal(around(IDS).logits, whole(IDS).logits)
    assert around.model.embed_tokens.weight is plain.model.embed_tokens.weight
    assert with_forward(around) is around


@pytest.mark.parametrize("bits", [None, 8, 4])
def test_an_answer_of_the_program_needs_no_transformers(bits: int | None) -> None:
    """Importing it takes longer than loading the model."""
    program = f"""
import sys, threading
from pathlib import Path
from xverse_chat.chat.backend import Message
from xverse_chat.config import GenerationSettings
from xverse_chat.engine.local import LocalBackend
from xverse_chat.progress import NoProgress
backend = LocalBackend.load(
    Path({str(demo_folder())!r}), model_id="demo", device="cpu", quant={bits}, progress=NoProgress()
)
settings = GenerationSettings(max_new_tokens=4)
said = list(backend.stream([Message("user", "你好")], settings, threading.Event()))
assert said
print("transformers" in sys.modules, "torch._dynamo" in sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False", "False"]
