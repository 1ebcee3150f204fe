"""The XML-RPC endpoint: marshalling, sessions, faults and error replies (reference 2.1 to 2.3)."""

from __future__ import annotations

import asyncio
import logging
import time
import xmlrpc.client
from functools import lru_cache
from typing import Any
from xml.sax.saxutils import escape

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fedstack.localcloud.core.text import clean
from fedstack.localcloud.core.users import Sessions
from fedstack.localcloud.limits import BodyError, body_of
from fedstack.localcloud.rpc import (
    clusters,
    datastores,
    decode,
    documents,
    groups,
    hosts,
    images,
    introspection,
    left_out,
    networks,
    secgroups,
    system,
    templates,
    users,
    vmpool,
    vms,
)
from fedstack.localcloud.rpc.method import TYPE_ERROR, BadParametersError, Call, Method, Pool
from fedstack.localcloud.store.database import Store
from fedstack.opennebula.errors import ErrorCode, OneError

LOG = logging.getLogger(__name__)

_SLICE = 0.004
"""Seconds that writing a long reply may take at a time."""

PARSE_ERROR, NO_SUCH_METHOD = -503, -506

_OFFERED: dict[str, Method] = {
    **system.METHODS,
    **users.METHODS,
    **groups.METHODS,
    **hosts.METHODS,
    **clusters.METHODS,
    **datastores.METHODS,
    **secgroups.METHODS,
    **images.METHODS,
    **networks.METHODS,
    **templates.METHODS,
    **vms.METHODS,
    **vmpool.METHODS,
    **documents.METHODS,
}
METHODS: dict[str, Method] = {**_OFFERED, **left_out.METHODS}
"""Every method of the API, by name."""


def answer(store: Store, sessions: Sessions, body: bytes) -> str | Pool:
    """The reply to one request: a triple, an error with five members, or a fault; a pool is still to be written."""
    try:
        name, parameters = decode.call(body)
    except decode.DecodeError as error:
        return _fault(PARSE_ERROR, f"Call XML not a proper XML-RPC call. {error}")
    if introspection.knows(name):
        return _introspected(name, parameters)
    method = METHODS.get(name)
    if method is None:
        return _fault(NO_SUCH_METHOD, f"Method '{clean(name)}' not defined")
    if not parameters or not isinstance(parameters[0], str):
        return _fault(TYPE_ERROR, "Parameter 0: expected the session as a string.")
    try:
        with store.begin() as tx:
            value = method(Call(tx, sessions.authenticate(tx, parameters[0])), parameters[1:])
    except BadParametersError as error:
        return _fault(error.code, str(error))
    except OneError as error:
        return _failure(name, error.code, error.message, error.object_id)
    except Exception:
        LOG.exception("%s failed", name)
        return _failure(name, ErrorCode.INTERNAL, "Internal error, see the cloud's log.", -1)
    return value if isinstance(value, Pool) else _reply([True, value, 0])


def _introspected(name: str, parameters: list[Any]) -> str:
    try:
        return _reply(introspection.answer(_OFFERED, name, parameters))
    except BadParametersError as error:
        return _fault(error.code, str(error))


async def written(pool: Pool) -> str:
    """The reply with a pool; others have their turn while a long one is written."""
    parts: list[str] = []
    begin = time.perf_counter()
    for member in pool.members:
        parts.append(_escaped(member))
        if time.perf_counter() - begin > _SLICE:
            await asyncio.sleep(0)
            begin = time.perf_counter()
    before, after = _reply([True, "\0", 0]).split("\0")
    root = (f"<{pool.root}>", f"</{pool.root}>") if parts else (f"<{pool.root}/>", "")
    return "".join((before, escape(root[0]), *parts, escape(root[1]), after))


@lru_cache(maxsize=4096)
def _escaped(document: str) -> str:
    """A document as part of a string; pools hold the same ones again and again."""
    return escape(document)


def _failure(name: str, code: ErrorCode, message: str, object_id: int) -> str:
    return _reply([False, clean(f"[{name}] {message}"), int(code), object_id, 0])


def _reply(value: Any) -> str:
    return xmlrpc.client.dumps((value,), methodresponse=True)


def _fault(code: int, message: str) -> str:
    return xmlrpc.client.dumps(xmlrpc.client.Fault(code, clean(message)))


def application(store: Store, sessions: Sessions) -> Starlette:
    """The XML-RPC server."""

    async def serve(request: Request) -> Response:
        try:
            body = await body_of(request)
        except BodyError as error:
            return Response(str(error), error.status)
        reply = answer(store, sessions, body)
        text = reply if isinstance(reply, str) else await written(reply)
        return Response(text, media_type="text/xml")

    return Starlette(routes=[Route(path, serve, methods=["POST"]) for path in ("/RPC2", "/")])
