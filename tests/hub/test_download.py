import json
from pathlib import Path

import pytest

from tests.hub.conftest import MODEL_ID, Download, Recorder, contents
from tests.hub.modelscope_server import ModelScopeServer
from xverse_chat.checkpoint.record import damaged_files, read_record
from xverse_chat.errors import CannotCreateError, DataError, UnavailableError, UsageError
from xverse_chat.progress import Stage


def test_a_model_folder_holds_what_it_should_and_nothing_else_is_left(
    download: Download, target: Path, server: ModelScopeServer
) -> None:
    assert download() == target
    assert sorted(path.name for path in target.iterdir()) == [
        "NOTICE.txt",
        "config.json",
        "generation_config.json",
        "model-00001-of-00003.safetensors",
        "model-00002-of-00003.safetensors",
        "model-00003-of-00003.safetensors",
        "model.safetensors.index.json",
        "special_tokens_map.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "xverse_chat.json",
    ]
    left = {path.name for path in target.parent.iterdir()} - {f".{target.name}.lock"}
    assert left == {target.name}
    record = read_record(target)
    assert (record.source_id, record.revision, record.quantization) == (MODEL_ID, "master", None)
    assert {file.path for file in record.files} == set(contents(target))
    assert damaged_files(target, record.files) == []


def test_code_is_neither_downloaded_nor_run(
    download: Download, server: ModelScopeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marker = tmp_path / "marker"
    monkeypatch.setenv("HOSTILE_MARKER", str(marker))
    target = download()
    assert not [path for path in server.bodies if path.endswith((".py", ".md"))]
    assert not list(target.rglob("*.py"))
    assert not marker.exists()


def test_each_file_is_asked_for_once(download: Download, server: ModelScopeServer) -> None:
    download()
    assert server.listings == 1
    assert set(server.bodies.values()) == {1}


def test_progress_ends_where_it_said_it_would(download: Download, progress: Recorder) -> None:
    told: list[tuple[Stage, int, int]] = []
    begin = progress.begin

    def remember(stage: Stage, total_bytes: int) -> None:
        if progress.stages:
            told.append((*progress.stages[-1], sum(progress.done.values())))
        begin(stage, total_bytes)

    progress.begin = remember  # type: ignore[method-assign]
    download()
    assert [stage for stage, _ in progress.stages] == [
        Stage.DOWNLOAD,
        Stage.VERIFY,
        Stage.CONVERT,
    ]
    for stage, total_bytes, done in told:
        assert done == total_bytes, stage
    assert not progress.open


def test_the_licence_is_named_once(download: Download, progress: Recorder, target: Path) -> None:
    download()
    download()
    named = [note for note in progress.notes if "XVERSE model licence" in note]
    assert len(named) == 1
    notice = (target / "NOTICE.txt").read_text(encoding="utf-8")
    assert "XVERSE 大模型以 XVERSE 大模型协议发布" in notice
    assert MODEL_ID in notice


def test_an_unknown_model_or_revision_is_unavailable(download: Download, cache: Path) -> None:
    with pytest.raises(UnavailableError, match="no model xverse/Nothing"):
        download("xverse/Nothing")
    with pytest.raises(UnavailableError, match="revision v9"):
        download(revision="v9")


def test_without_a_network_the_server_is_named(
    cache: Path, progress: Recorder, download: Download
) -> None:
    with pytest.raises(UnavailableError, match=r"http://127\.0\.0\.1:9 cannot be reached"):
        download(endpoint="http://127.0.0.1:9")


@pytest.mark.parametrize("endpoint", ["ftp://example.org", "http://", "http://[::", ""])
def test_an_endpoint_that_is_no_address_is_a_usage_error(download: Download, endpoint: str) -> None:
    with pytest.raises(UsageError):
        download(endpoint=endpoint)


def test_the_environment_names_the_server_too(
    download: Download, server: ModelScopeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODELSCOPE_ENDPOINT", server.url)
    assert download(endpoint=None).is_dir()


def test_a_cookie_file_at_home_is_never_unpickled(
    download: Download, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, marker = tmp_path / "home", tmp_path / "marker"
    cookies = home / ".modelscope" / "credentials" / "cookies"
    cookies.parent.mkdir(parents=True)
    cookies.write_bytes(f"cos\nmkdir\n(V{marker}\ntR.".encode())
    monkeypatch.setenv("HOME", str(home))
    download()
    assert not marker.exists()


def test_a_folder_of_someone_else_is_not_touched(
    download: Download, target: Path, server: ModelScopeServer
) -> None:
    target.mkdir(parents=True)
    (target / "thesis.txt").write_text("precious")
    with pytest.raises(CannotCreateError, match="no model folder"):
        download()
    assert (target / "thesis.txt").read_text() == "precious"
    assert server.body_count == 0


def test_an_unwritable_cache_is_said_before_anything_is_asked(
    download: Download, tmp_path: Path, server: ModelScopeServer
) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(CannotCreateError) as caught:
        download(cache_dir=tmp_path / "file" / "cache")
    assert "--cache-dir" in caught.value.hint
    assert server.requested_paths == []


def test_keep_original_keeps_what_the_server_sent(
    download: Download, target: Path, progress: Recorder, upstream: Path
) -> None:
    download(keep_original=True)
    original = target.parent / f"{target.name}-original"
    for path in original.iterdir():
        assert path.read_bytes() == (upstream / path.name).read_bytes()
    assert len(list(original.glob("*.bin"))) == 3
    assert any(str(original) in note for note in progress.notes)


def test_another_revision_takes_the_place_of_the_first(
    download: Download, server: ModelScopeServer, target: Path
) -> None:
    download()
    server.revision = "v2"
    download(revision="v2")
    assert read_record(target).revision == "v2"
    assert {path.name for path in target.parent.iterdir()} == {
        target.name,
        f".{target.name}.lock",
    }


def test_files_beside_the_model_do_not_matter(
    download: Download, upstream: Path, target: Path
) -> None:
    (upstream / "LICENSE.txt").write_text("the licence")
    (upstream / "assets").mkdir()
    (upstream / "assets" / "picture.png").write_bytes(b"x" * 1000)
    (upstream / "empty").touch()
    download()
    assert (target / "LICENSE.txt").read_text() == "the licence"
    assert not (target / "assets").exists()


def test_an_index_that_differs_from_the_listing_stops_before_the_weights(
    download: Download, upstream: Path, server: ModelScopeServer, target: Path
) -> None:
    (upstream / "pytorch_model-00004-of-00004.bin").write_bytes(b"one too many")
    with pytest.raises(DataError, match="do not agree about pytorch_model-00004"):
        download()
    assert not [path for path in server.bodies if path.endswith(".bin")]
    assert not target.exists()


@pytest.mark.parametrize(
    ("file", "change", "said"),
    [
        ("config.json", {"hidden_size": 10**9}, "hidden_size"),
        ("config.json", {"model_type": "gpt2"}, "gpt2"),
        ("generation_config.json", {"temperature": -1}, "temperature"),
        ("tokenizer.json", {"model": {"type": "WordLevel", "vocab": {"a": 0}}}, "WordLevel"),
        ("tokenizer.json", {"model": {"type": "BPE", "vocab": {"a": 10**6}}}, "beyond"),
        ("pytorch_model.bin.index.json", {"weight_map": {"a": "../../x.bin"}}, "x.bin"),
        ("pytorch_model.bin.index.json", {"weight_map": []}, "weight_map"),
    ],
)
def test_bad_small_files_are_refused_before_the_weights(
    download: Download,
    upstream: Path,
    server: ModelScopeServer,
    file: str,
    change: dict[str, object],
    said: str,
) -> None:
    data = json.loads((upstream / file).read_text(encoding="utf-8"))
    (upstream / file).write_text(json.dumps(data | change), encoding="utf-8")
    with pytest.raises(DataError, match=said):
        download()
    assert not [path for path in server.bodies if path.endswith(".bin")]


def test_weights_that_are_bad_at_the_server_are_not_blamed_on_this_machine(
    download: Download, upstream: Path, target: Path
) -> None:
    (upstream / "pytorch_model-00002-of-00003.bin").write_bytes(b"<html>")
    with pytest.raises(DataError, match="pytorch_model-00002") as caught:
        download()
    assert "--verify" not in caught.value.hint
    assert not target.exists()
