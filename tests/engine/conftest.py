"""A tiny seeded model in upstream's form, loaded once."""

from pathlib import Path

import pytest
import torch
from transformers import PreTrainedTokenizerFast

from tests.hub.upstream_folder import Shape, build_upstream_folder
from xverse_chat.engine.model import XverseForCausalLM
from xverse_chat.engine.tokenizer import TextTokenizer, load_text_tokenizer, load_tokenizer

SHAPE = Shape(hidden_size=128, intermediate_size=192, num_attention_heads=4)


@pytest.fixture(scope="session")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An upstream folder in float32. Tests that change it copy it first."""
    folder = tmp_path_factory.mktemp("upstream")
    return build_upstream_folder(folder, shape=SHAPE, dtype="float32", seed=3)


@pytest.fixture
def model(upstream: Path) -> XverseForCausalLM:
    return XverseForCausalLM.from_pretrained(upstream, dtype=torch.float32)


@pytest.fixture(scope="session")
def text_tokenizer(upstream: Path) -> TextTokenizer:
    return load_text_tokenizer(upstream)


@pytest.fixture(scope="session")
def tokenizer(upstream: Path) -> PreTrainedTokenizerFast:
    """The tokenizer in transformers' wrapper, as ``model.chat()`` takes it."""
    return load_tokenizer(upstream)
