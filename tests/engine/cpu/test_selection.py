import pytest
from transformers import LlamaConfig

from xverse_chat.engine.cpu.compiler import NoKernelsError
from xverse_chat.engine.cpu.selection import make_cpu_forward
from xverse_chat.engine.model import XverseForCausalLM
from xverse_chat.wording import say


def small(**changes: object) -> XverseForCausalLM:
    shape = {
        "vocab_size": 64,
        "hidden_size": 64,
        "intermediate_size": 96,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
    }
    model = XverseForCausalLM(LlamaConfig(**{**shape, **changes}))
    model.eval()
    return model


@pytest.mark.parametrize(
    "changes",
    [
        {"num_key_value_heads": 1},
        {"num_attention_heads": 8, "num_key_value_heads": 8},  # heads of 8
        {"intermediate_size": 100},
        {"hidden_act": "gelu"},
        {"attention_bias": True},
        {"mlp_bias": True},
        {"rope_parameters": {"rope_type": "linear", "factor": 2.0, "rope_theta": 10000.0}},
    ],
)
def test_another_shape_is_left_to_the_plain_way(changes: dict[str, object]) -> None:
    assert make_cpu_forward(small()) is not None
    assert make_cpu_forward(small(**changes)) is None


def test_hooks_and_weights_elsewhere_are_left_to_the_plain_way() -> None:
    model = small()
    hook = model.model.layers[1].mlp.register_forward_hook(lambda *_: None)
    assert make_cpu_forward(model) is None
    hook.remove()
    assert make_cpu_forward(model) is not None
    assert make_cpu_forward(model.to("meta")) is None


def test_without_a_compiler_the_plain_way_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise NoKernelsError(say("There is no C++ compiler."))

    monkeypatch.setattr("xverse_chat.engine.cpu.selection._load_kernels", fail)
    assert make_cpu_forward(small()) is None
