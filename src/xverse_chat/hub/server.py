"""A ModelScope server, spoken to through ModelScope's own package, and what its errors mean."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from xverse_chat.errors import UnavailableError, UsageError, XverseChatError
from xverse_chat.hub.listing import ListedFile, check_listing
from xverse_chat.wording import Sentence, say

if TYPE_CHECKING:
    from modelscope_hub import HubApi

DEFAULT_SERVER = "modelscope.cn"

# Read when the package is imported. What the user set wins.
_SETTINGS = {
    "MODELSCOPE_DOWNLOAD_TOTAL_TIMEOUT": "86400",  # its hour is for one file, and ends slow lines
    "MODELSCOPE_DOWNLOAD_FILE_LOCK_TIMEOUT_SECONDS": "86400",
    "MODELSCOPE_DOWNLOAD_MAX_RETRIES": "20",
    "MODELSCOPE_DOWNLOAD_PARALLEL_WORKERS": "1",  # parts of a file need its room twice
    "TQDM_DISABLE": "1",
}
_LOGGERS = ("modelscope_hub", "modelscope", "urllib3.connectionpool")
_PROXIES = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")


def check_endpoint(endpoint: str | None) -> None:
    """Raise UsageError when ``endpoint`` is no address of a server."""
    if endpoint is None:
        return
    try:
        address = urlsplit(endpoint if "://" in endpoint else f"https://{endpoint}")
        is_address = address.scheme in ("http", "https") and bool(address.hostname)
        is_address = is_address and (address.port is None or address.port > 0)
        is_address = is_address and endpoint.isprintable() and " " not in endpoint
    except ValueError:
        is_address = False
    if not is_address:
        raise UsageError(
            say("{endpoint!r} is no address of a server.", endpoint=endpoint),
            hint=say("It must look like https://modelscope.cn."),
        )


def server_name(endpoint: str | None) -> str:
    """Return the server that is asked, for messages."""
    return endpoint or os.environ.get("MODELSCOPE_ENDPOINT") or DEFAULT_SERVER


def open_server(endpoint: str | None, scratch: Path) -> "HubApi":
    """Return ModelScope's client. Its locks go into ``scratch``; it keeps nothing at home."""
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    from modelscope_hub import HubApi
    from modelscope_hub.config import HubConfig

    for name in _LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    config = HubConfig(
        endpoint=endpoint,
        cache_dir=scratch,
        # A folder that cannot be: there it would unpickle a cookie file, and keep an id of this
        # machine to send along.
        config_dir=Path(os.devnull) / "modelscope",
        token=os.environ.get("MODELSCOPE_API_TOKEN", ""),
    )
    return HubApi(config)


def list_files(
    api: "HubApi", model_id: str, revision: str, *, server: str
) -> tuple[ListedFile, ...]:
    """Ask for a model's files and check every path. Raises UnavailableError or DataError."""
    with _listing_errors(model_id, revision, server):
        found: list[Any] = api.list_repo_files(model_id, "model", revision=revision)
        entries = [
            (str(file.path), 0 if file.is_dir else int(file.size), file.sha256) for file in found
        ]
        folders = {str(file.path) for file in found if file.is_dir}
    return tuple(file for file in check_listing(entries) if file.path not in folders)


@contextmanager
def _listing_errors(model_id: str, revision: str, server: str) -> Iterator[None]:
    import requests
    from modelscope_hub import errors

    try:
        yield
    except XverseChatError:
        raise
    except errors.NotExistError as error:
        raise UnavailableError(
            say(
                "{server} has no model {model_id} with a revision {revision}.",
                server=server,
                model_id=model_id,
                revision=revision,
            ),
            hint=say("Check the id (OWNER/NAME) and --revision."),
        ) from error
    except (errors.AuthenticationError, errors.PermissionDeniedError) as error:
        raise UnavailableError(
            say("{server} does not give {model_id} to everyone.", server=server, model_id=model_id),
            hint=say("Set MODELSCOPE_API_TOKEN to a token that has access to it."),
        ) from error
    except errors.APIError as error:
        raise UnavailableError(
            say(
                "{server} answered with an error (HTTP {status_code}).",
                server=server,
                status_code=error.status_code,
            ),
            hint=say("Try again later, or another server with --endpoint."),
        ) from error
    except (ValueError, TypeError, AttributeError, LookupError) as error:
        raise UnavailableError(
            say("{server} does not answer as a ModelScope server does.", server=server),
            hint=_network_hint(),
        ) from error
    except (errors.HubError, requests.RequestException, OSError) as error:
        raise UnavailableError(
            say("{server} cannot be reached.", server=server), hint=_network_hint()
        ) from error


def _network_hint() -> Sentence:
    if any(os.environ.get(name) for name in _PROXIES):
        return say(
            "A proxy is set in this environment; if it does not serve ModelScope, try again "
            "after: export no_proxy=modelscope.cn,aliyuncs.com"
        )
    return say("Check the network, or name another server with --endpoint.")
