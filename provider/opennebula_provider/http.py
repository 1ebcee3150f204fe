"""Sessions for both APIs: kept connections, and repeats for what is safe to repeat."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from .rpc import CALLS_AT_ONCE


def open_session(endpoint: str, verify: bool | str, repeatable: list[str]) -> requests.Session:
    """A session for one endpoint. Requests of the `repeatable` methods are repeated when the connection fails.

    Proxies of the environment count, except for an endpoint on this machine.
    """
    session = requests.Session()
    session.verify = verify
    session.trust_env = not _is_local(urlsplit(endpoint).hostname or "")
    retries = Retry(total=3, backoff_factor=0.2, allowed_methods=repeatable) if repeatable else Retry(total=0)
    adapter = HTTPAdapter(max_retries=retries, pool_maxsize=CALLS_AT_ONCE)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
