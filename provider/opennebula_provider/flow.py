"""OneFlow over HTTP: JSON in and out, errors with the platform's own text, repeats only for reading."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from .errors import FlowError, ProviderError
from .rpc import TIMEOUT, tls_text, unreachable_text

FLOW_HINT = "set opennebula:flowEndpoint (or ONEFLOW_URL) to the address of a running OneFlow server"


class Flow:
    """Requests of one user at one OneFlow endpoint."""

    def __init__(self, endpoint: str, username: str, password: str, verify: bool | str) -> None:
        self.endpoint = endpoint
        self._credentials = (username, password)
        self._verify = verify
        self._http: Any = None

    async def get(self, path: str) -> dict[str, Any]:
        """Reads a document or a pool; raises FlowError with status 404 for one that is gone."""
        return await self.request("GET", path)

    async def action(self, path: str, perform: str, **params: Any) -> dict[str, Any]:
        """Performs an action on a document."""
        return await self.request("POST", f"{path}/action", {"action": {"perform": perform, "params": params}})

    async def request(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """Any request; returns the reply's object, empty without one. Raises ProviderError."""
        return await asyncio.to_thread(self._request, method, path, body)

    def _request(self, method: str, path: str, body: Any) -> dict[str, Any]:
        import requests

        data = None if body is None else json.dumps(body)
        try:
            reply = self._session().request(method, f"{self.endpoint}/{path}", data=data, timeout=TIMEOUT)
        except requests.exceptions.SSLError as error:
            raise ProviderError(tls_text(self.endpoint, error)) from error
        except requests.exceptions.RequestException as error:
            raise ProviderError(unreachable_text("OneFlow", self.endpoint, FLOW_HINT, error)) from error
        if not reply.ok:
            raise FlowError(f"OneFlow {method} /{path}", reply.status_code, _error_text(reply.text))
        return _object(reply.text)

    def _session(self) -> Any:
        if self._http is None:
            from .http import open_session

            self._http = open_session(self.endpoint, self._verify, ["GET"])
            self._http.auth = self._credentials
            self._http.headers["Content-Type"] = "application/json"
        return self._http


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text) if text.strip() else {}
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _error_text(text: str) -> str:
    """The platform answers in plain text, except for its own crashes, which are JSON (reference 4)."""
    crash = _object(text)
    if "message" in crash:
        return " ".join(str(crash[key]) for key in ("message", "reason") if crash.get(key))
    return " ".join(text.split()) or "no text"
