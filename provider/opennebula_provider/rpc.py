"""XML-RPC with kept connections, time limits, and errors that keep what the platform said.

Calls carry numbers, texts and flags only, and documents are read as trees, so the standard library's marshalling is all
that is needed: OpenNebula's own binding loses the code of a refused call, knows no time limit, and takes as long to
load as the rest of the provider.
"""

from __future__ import annotations

import asyncio
import threading
import xml.parsers.expat
import xmlrpc.client
from typing import Any

from fedstack.opennebula.errors import ErrorCode

from .errors import ProviderError, RpcError

CALLS_AT_ONCE = 16
"""Calls to the platform that may be under way at the same time; as many connections are kept."""
TIMEOUT = (5.0, 60.0)
"""Seconds to connect, seconds to wait for an answer."""

Tree = dict[str, Any]
"""An XML document: element name to text, to a tree, or to a list of these where an element repeats."""


class Rpc:
    """Calls of one user at one endpoint. Methods are named without `one.`; parameters without the session."""

    def __init__(self, endpoint: str, session: str, verify: bool | str) -> None:
        self.endpoint = endpoint
        self._session = session
        self._verify = verify
        self._lock = threading.Lock()
        self._servers: dict[bool, Any] = {}

    async def call(self, method: str, *params: Any) -> Any:
        """One call that is never repeated; returns its number or text. Raises ProviderError."""
        return await asyncio.to_thread(self._call, method, params, False)

    async def info(self, method: str, *params: Any) -> Tree:
        """A reading call, repeated when the connection fails; returns the document without its root."""
        text = await asyncio.to_thread(self._call, method, params, True)
        return parse(text)

    def _call(self, method: str, params: tuple[Any, ...], repeatable: bool) -> Any:
        import requests

        server = self._server(repeatable)
        try:
            return server.call(method, params)
        except requests.exceptions.SSLError as error:
            raise ProviderError(tls_text(self.endpoint, error)) from error
        except requests.exceptions.RequestException as error:
            raise ProviderError(unreachable_text("OpenNebula", self.endpoint, ENDPOINT_HINT, error)) from error
        except (xmlrpc.client.Error, xml.parsers.expat.ExpatError) as error:
            raise ProviderError(_not_rpc_text(self.endpoint, method, error)) from error

    def _server(self, repeatable: bool) -> Any:
        with self._lock:
            if repeatable not in self._servers:
                from .xmlrpc_server import open_server

                self._servers[repeatable] = open_server(self.endpoint, self._session, self._verify, repeatable)
            return self._servers[repeatable]


ENDPOINT_HINT = "set opennebula:endpoint (or ONE_XMLRPC) to the address of a running OpenNebula"


def refused(method: str, reply: Any) -> ProviderError:
    """The error for a reply `[false, text, code, object, ...]` (reference 2.2)."""
    text, code = str(reply[1]), int(reply[2])
    object_id = int(reply[3]) if len(reply) > 3 else -1
    plain = text.removeprefix(f"[{method}] ")
    if code == ErrorCode.AUTHENTICATION:
        return ProviderError(
            f"OpenNebula refuses this user name and password ({plain}): set opennebula:username and "
            "opennebula:password, or ONE_AUTH to a file with user:password"
        )
    return RpcError(method, code, _code_name(code), plain, object_id)


def _code_name(code: int) -> str:
    return ErrorCode(code).name if code in set(ErrorCode) else "error"


def reason(error: BaseException) -> str:
    """The innermost plain words of a connection error."""
    inner: Any = error
    while True:
        nested = getattr(inner, "reason", None) or next((arg for arg in inner.args if isinstance(arg, Exception)), None)
        if not isinstance(nested, BaseException):
            break
        inner = nested
    text = getattr(inner, "strerror", None) or str(inner)
    return text.rsplit("] ", 1)[-1].split(": ", 1)[-1]


def unreachable_text(what: str, endpoint: str, hint: str, error: BaseException) -> str:
    """One message for an endpoint that does not answer."""
    return f"{what} at {endpoint} does not answer ({reason(error)}): {hint}"


def tls_text(endpoint: str, error: BaseException) -> str:
    """One message for a certificate that is not trusted."""
    return (
        f"the certificate of {endpoint} is not trusted ({reason(error)}): set opennebula:caFile to the file with its "
        "authority's certificate, or opennebula:insecureSkipVerify to true"
    )


def _not_rpc_text(endpoint: str, method: str, error: BaseException) -> str:
    if isinstance(error, xmlrpc.client.Fault):
        return f"{method}: {error.faultString} (XML-RPC fault {error.faultCode})"
    if isinstance(error, xmlrpc.client.ProtocolError):
        return f"{endpoint} answered HTTP {error.errcode} to {method}: {ENDPOINT_HINT}, complete with /RPC2"
    return f"{endpoint} does not speak XML-RPC ({method}: {error}): {ENDPOINT_HINT}, complete with /RPC2"


def parse(text: str) -> Tree:
    """The document as a tree; empty elements are empty texts."""
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
    root = _tree(etree.fromstring(text.encode(), parser))
    return root if isinstance(root, dict) else {}


def _tree(element: Any) -> str | Tree:
    if len(element) == 0:
        return element.text or ""
    tree: Tree = {}
    for child in element:
        value = _tree(child)
        if child.tag not in tree:
            tree[child.tag] = value
        elif isinstance(tree[child.tag], list):
            tree[child.tag].append(value)
        else:
            tree[child.tag] = [tree[child.tag], value]
    return tree


def section(tree: Tree, name: str) -> Tree:
    """A member that is a section; an empty one is an empty tree."""
    value = tree.get(name)
    return value if isinstance(value, dict) else {}


def each(tree: Tree, name: str) -> list[Any]:
    """The members of that name: none, one or several; empty elements count as none."""
    value = tree.get(name)
    if value is None or value == "":
        return []
    return value if isinstance(value, list) else [value]
