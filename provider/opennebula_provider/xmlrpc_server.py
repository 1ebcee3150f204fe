"""Raw XML-RPC calls over a kept connection, with time limits and typed errors."""

from __future__ import annotations

import xmlrpc.client
from typing import Any

import requests

from .http import open_session
from .rpc import TIMEOUT, refused

HEADERS = {"Content-Type": "text/xml"}


class Server:
    """One user at one endpoint. A number or a text comes back, a refused call raises what `refused` makes of it."""

    def __init__(self, endpoint: str, session: str, http: requests.Session) -> None:
        self._endpoint = endpoint
        self._session = session
        self._http = http

    def call(self, method: str, params: tuple[Any, ...]) -> Any:
        """One call, the method without `one.`, the parameters without the session.

        Raises ProviderError for a refusal, xmlrpc.client.Error for a fault or another status than 200,
        requests.RequestException when the server cannot be reached.
        """
        name = f"one.{method}"
        body = xmlrpc.client.dumps((self._session, *params), name, encoding="utf-8")
        response = self._http.post(self._endpoint, data=body.encode(), headers=HEADERS, timeout=TIMEOUT)
        if not response.ok:
            raise xmlrpc.client.ProtocolError(self._endpoint, response.status_code, response.reason, {})
        values, _ = xmlrpc.client.loads(response.content)
        reply: Any = values[0]
        if not reply[0]:
            raise refused(name, reply)
        return reply[1]


def open_server(endpoint: str, session: str, verify: bool | str, repeatable: bool) -> Server:
    """A server for calls that are all safe to repeat, or for calls of which none is repeated."""
    return Server(endpoint, session, open_session(endpoint, verify, ["POST"] if repeatable else []))
