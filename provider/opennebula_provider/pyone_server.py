"""pyone's XML-RPC server with typed errors, a connection that is kept, and timeouts."""

from __future__ import annotations

import xmlrpc.client
from typing import Any

import requests
from pyone.server_xrpc import OneServerXRPC, RequestsTransport

from .http import open_session
from .rpc import TIMEOUT, refused


class _Transport(RequestsTransport):
    """pyone's transport over one session."""

    def __init__(self, session: requests.Session, scheme: str) -> None:
        super().__init__()
        self._requests = session
        self._scheme = scheme

    def request(self, host: Any, handler: str, request_body: Any, verbose: bool = False) -> Any:
        """Posts one call and returns the decoded reply."""
        del verbose
        url = f"{self._scheme}://{host}/{handler.lstrip('/')}"
        response = self._requests.post(url, data=request_body, headers=dict(self.headers), timeout=TIMEOUT)
        if not response.ok:
            raise xmlrpc.client.ProtocolError(url, response.status_code, response.reason, {})
        parse: Any = self.parse_response
        return parse(response)


class Server:
    """Raw calls: a number or a text comes back, a refused call raises what `refused` makes of it."""

    def __init__(self, endpoint: str, session: str, http: requests.Session) -> None:
        make: Any = OneServerXRPC
        self._server = make(endpoint, session)
        self._server._ServerProxy__transport = _Transport(http, endpoint.split(":", 1)[0])

    def call(self, method: str, params: tuple[Any, ...]) -> Any:
        """One call, the method without `one.`, the parameters without the session."""
        name = f"one.{method}"
        reply = self._server._do_request(name, self._server._cast_parms(params))
        if not reply[0]:
            raise refused(name, reply)
        return reply[1]


def open_server(endpoint: str, session: str, verify: bool | str, repeatable: bool) -> Server:
    """A server for calls that are all safe to repeat, or for calls of which none is repeated."""
    return Server(endpoint, session, open_session(endpoint, verify, ["POST"] if repeatable else []))
