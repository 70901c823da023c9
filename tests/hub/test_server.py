import os
import sys
from pathlib import Path

import pytest

from tests.hub.conftest import FAST, MODEL_ID, Download, Recorder
from tests.hub.modelscope_server import ModelScopeServer
from tests.program import run
from xverse_chat.errors import UnavailableError, UsageError
from xverse_chat.hub.server import check_endpoint, list_files, open_server

SETTINGS = (
    "from pathlib import Path\n"
    "from xverse_chat.hub.server import open_server\n"
    "api = open_server('http://127.0.0.1:9', Path('/nowhere'))\n"
    "from modelscope_hub import constants\n"
    "print(constants.DOWNLOAD_RETRY_TIMES, constants.DOWNLOAD_TOTAL_TIMEOUT, "
    "constants.DOWNLOAD_PARALLELS, repr(api._config.token))\n"
)


def test_a_slow_line_gets_a_day_and_twenty_tries(tmp_path: Path) -> None:
    done = run([sys.executable, "-c", SETTINGS], home=tmp_path)
    assert (done.stdout.decode(), done.stderr) == ("20 86400 1 ''\n", b"")


def test_what_the_user_set_wins(tmp_path: Path) -> None:
    variables = {
        "MODELSCOPE_DOWNLOAD_MAX_RETRIES": "3",
        "MODELSCOPE_DOWNLOAD_TOTAL_TIMEOUT": "60",
        "MODELSCOPE_DOWNLOAD_PARALLEL_WORKERS": "2",
        "MODELSCOPE_API_TOKEN": "secret",
    }
    done = run([sys.executable, "-c", SETTINGS], home=tmp_path, variables=variables)
    assert done.stdout.decode() == "3 60 2 'secret'\n"


@pytest.mark.parametrize(
    "endpoint", ["https://modelscope.cn", "http://127.0.0.1:8000", "modelscope.ai", None]
)
def test_addresses_of_servers_pass(endpoint: str | None) -> None:
    check_endpoint(endpoint)


@pytest.mark.parametrize("endpoint", ["file:///etc", "http://:80", "http://x:99999", " "])
def test_other_addresses_do_not(endpoint: str) -> None:
    with pytest.raises(UsageError):
        check_endpoint(endpoint)


def test_folders_of_the_listing_are_no_files(server: ModelScopeServer, tmp_path: Path) -> None:
    server.edit_listing = lambda entries: [
        *entries,
        {"Name": "sub", "Path": "sub", "Type": "tree", "Size": 0, "Sha256": ""},
    ]
    api = open_server(server.url, tmp_path)
    listed = list_files(api, MODEL_ID, "master", server=server.url)
    assert {file.path for file in listed} == {path.name for path in server.folder.iterdir()}


def test_a_proxy_is_suspected_when_there_is_one(
    download: Download, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with pytest.raises(UnavailableError) as caught:
        download()
    assert "no_proxy" in caught.value.hint


def test_the_settings_of_these_tests_are_in_force() -> None:
    assert os.environ["MODELSCOPE_DOWNLOAD_MAX_RETRIES"] == FAST["MODELSCOPE_DOWNLOAD_MAX_RETRIES"]


def test_a_web_page_in_place_of_a_listing_is_no_server(
    download: Download, server: ModelScopeServer, progress: Recorder, tmp_path: Path
) -> None:
    """A hotel's login page answers 200 to everything."""
    import http.server
    import threading

    class LoginPage(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "13")
            self.end_headers()
            self.wfile.write(b"<html></html>")

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), LoginPage) as page:
        threading.Thread(target=page.serve_forever, args=(0.02,), daemon=True).start()
        url = f"http://127.0.0.1:{page.server_address[1]}"
        with pytest.raises(UnavailableError, match="does not answer as a ModelScope server"):
            download(endpoint=url)
        page.shutdown()
