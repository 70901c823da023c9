import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.hub.conftest import FOLDER_NAME, MODEL_ID, Download, Recorder, contents
from tests.hub.modelscope_server import ModelScopeServer
from tests.quantized_folder import quantizer
from xverse_chat.checkpoint.config_file import read_config
from xverse_chat.checkpoint.quantization import read_quantization_bits
from xverse_chat.checkpoint.record import damaged_files, read_record
from xverse_chat.errors import CannotCreateError, DiskError, UnavailableError
from xverse_chat.hub import space
from xverse_chat.hub.download_quantized import download_quantized
from xverse_chat.hub.quantize import quantized_bytes
from xverse_chat.progress import Stage


class StoppingQuantizer:
    """Quantizes to 8 bits, and is interrupted at a certain weight."""

    def __init__(self, last: str) -> None:
        self.last = last
        self.names: list[str] = []

    def __call__(
        self, name: str, weight: torch.Tensor, config: Mapping[str, Any]
    ) -> Mapping[str, torch.Tensor]:
        if name == self.last:
            raise KeyboardInterrupt
        self.names.append(name)
        return quantizer(8)(name, weight, config)


Quantize = Callable[..., Path]


@pytest.fixture
def quantize(server: ModelScopeServer, cache: Path, progress: Recorder) -> Quantize:
    """Make the folder of 8 bits from the test server; options as of ``download_quantized``."""

    def run(**options: Any) -> Path:
        settings: dict[str, Any] = {
            "bits": 8,
            "quantizer": quantizer(8),
            "cache_dir": cache,
            "endpoint": server.url,
            "progress": progress,
        }
        return download_quantized(MODEL_ID, **(settings | options))

    return run


@pytest.fixture
def quantized(cache: Path) -> Path:
    """Where the quantized folder belongs."""
    return cache / "xverse-chat" / f"{FOLDER_NAME}-int8"


def left(cache: Path) -> set[str]:
    names = {path.name for path in (cache / "xverse-chat").iterdir()}
    return {name for name in names if not name.endswith(".lock")}


def test_a_quantized_folder_holds_what_it_should_and_nothing_else_is_left(
    quantize: Quantize, quantized: Path, reference: Path, cache: Path
) -> None:
    assert quantize() == quantized
    assert left(cache) == {quantized.name}
    assert set(contents(quantized)) == set(contents(reference))
    record = read_record(quantized)
    assert (record.source_id, record.revision) == (MODEL_ID, "master")
    assert (record.quantization, record.licence) == ("int8", read_record(reference).licence)
    assert {file.path for file in record.files} == set(contents(quantized))
    assert damaged_files(quantized, record.files) == []
    assert read_quantization_bits(quantized, read_config(quantized)) == 8
    assert "quantized to 8 bits" in (quantized / "NOTICE.txt").read_text(encoding="utf-8")
    for name in ("tokenizer.json", "tokenizer_config.json", "generation_config.json"):
        assert (quantized / name).read_bytes() == (reference / name).read_bytes()


def test_the_size_is_known_before(quantize: Quantize, reference: Path, quantized: Path) -> None:
    quantize()
    index = json.loads((quantized / "model.safetensors.index.json").read_text(encoding="utf-8"))
    assert index["metadata"]["total_size"] == quantized_bytes(read_config(reference), reference, 8)


def test_progress_ends_where_it_said_it_would(quantize: Quantize, progress: Recorder) -> None:
    quantize()
    assert [stage for stage, _ in progress.stages] == [
        Stage.DOWNLOAD,
        Stage.VERIFY,
        Stage.CONVERT,
        Stage.QUANTIZE,
    ]
    weights_bytes = sum(progress.done.values())
    assert 0.95 * progress.stages[-1][1] < weights_bytes <= progress.stages[-1][1]
    assert not progress.open
    assert any("then they are deleted" in note for note in progress.notes)


def test_16_bit_weights_that_were_there_stay(
    quantize: Quantize, download: Download, cache: Path, server: ModelScopeServer
) -> None:
    plain = download()
    before, listings = contents(plain), server.listings
    quantized = quantize()
    assert left(cache) == {plain.name, quantized.name}
    assert contents(plain) == before
    assert server.listings == listings


def test_16_bit_weights_stay_when_asked(
    quantize: Quantize, cache: Path, progress: Recorder
) -> None:
    quantized = quantize(keep_original=True)
    assert left(cache) == {FOLDER_NAME, f"{FOLDER_NAME}-original", quantized.name}
    assert any("they are kept" in note for note in progress.notes)


def test_a_complete_folder_needs_no_network(quantize: Quantize, server: ModelScopeServer) -> None:
    first = contents(quantize())
    assert contents(quantize(endpoint="http://127.0.0.1:9")) == first
    assert server.listings == 1


def test_after_an_interrupt_it_goes_on_with_the_next_shard(
    quantize: Quantize, cache: Path, quantized: Path, server: ModelScopeServer
) -> None:
    stopping = StoppingQuantizer("lm_head.weight")
    with pytest.raises(KeyboardInterrupt):
        quantize(quantizer=stopping)
    assert not quantized.exists()
    sent = server.sent_bytes.total()
    going_on = StoppingQuantizer("nothing")
    quantize(quantizer=going_on)
    assert server.sent_bytes.total() == sent
    assert 0 < len(going_on.names) < len(stopping.names)
    assert left(cache) == {quantized.name}
    whole = contents(quantized)
    shutil.rmtree(quantized)
    assert contents(quantize()) == whole


def test_a_stop_before_the_16_bit_weights_are_deleted_is_made_up_for(
    quantize: Quantize, cache: Path, quantized: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("xverse_chat.hub.download_quantized._end_passing", lambda plain: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            quantize()
    assert FOLDER_NAME in left(cache)
    quantize()
    assert left(cache) == {quantized.name}


def test_16_bit_weights_asked_for_meanwhile_stay(
    quantize: Quantize, download: Download, cache: Path, quantized: Path
) -> None:
    with pytest.raises(KeyboardInterrupt):
        quantize(quantizer=StoppingQuantizer("lm_head.weight"))
    download()
    quantize()
    assert left(cache) == {FOLDER_NAME, quantized.name}


def test_verify_makes_only_the_damaged_shard_again(
    quantize: Quantize, download: Download, quantized: Path, progress: Recorder
) -> None:
    download()
    whole = contents(quantize())
    path = quantized / "model-00002-of-00003.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    counting = StoppingQuantizer("nothing")
    quantize(verify=True, quantizer=counting)
    assert contents(quantized) == whole
    assert 0 < len(counting.names) < 20
    assert any("1 of" in note and path.name in note for note in progress.notes)


def test_too_little_room_for_both_is_told_before_anything_is_downloaded(
    quantize: Quantize, cache: Path, server: ModelScopeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    shards = [entry for entry in server.entries() if str(entry["Path"]).endswith(".bin")]
    total = sum(entry["Size"] for entry in shards)
    free = int(total * 1.5) + space.MARGIN_BYTES

    class Usage:
        def __init__(self) -> None:
            self.free = free

    monkeypatch.setattr("xverse_chat.hub.space.shutil.disk_usage", lambda folder: Usage())
    with pytest.raises(DiskError, match="Too little room"):
        quantize()
    assert server.sent_bytes.total() < total / 2
    free = int(total * 1.7) + space.MARGIN_BYTES
    assert quantize().is_dir()


def test_a_foreign_folder_in_its_place_is_left_alone(quantize: Quantize, quantized: Path) -> None:
    quantized.mkdir(parents=True)
    (quantized / "letter.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(CannotCreateError, match="no model folder of this program"):
        quantize()
    assert (quantized / "letter.txt").read_text(encoding="utf-8") == "mine"


def test_without_a_network_nothing_is_left(quantize: Quantize, cache: Path) -> None:
    with pytest.raises(UnavailableError, match="cannot be reached"):
        quantize(endpoint="http://127.0.0.1:9")
    assert not (cache / "xverse-chat" / FOLDER_NAME).exists()
