"""The XML-RPC endpoint: marshalling, sessions, faults and error replies (reference 2.1 to 2.3)."""

from __future__ import annotations

import logging
import xmlrpc.client
from typing import Any

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
    left_out,
    networks,
    secgroups,
    system,
    templates,
    users,
    vmpool,
    vms,
)
from fedstack.localcloud.rpc.method import TYPE_ERROR, BadParametersError, Call, Method
from fedstack.localcloud.store.database import Store
from fedstack.opennebula.errors import ErrorCode, OneError

LOG = logging.getLogger(__name__)

PARSE_ERROR, NO_SUCH_METHOD = -503, -506

METHODS: dict[str, Method] = {
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
    **left_out.METHODS,
}
"""Every method of the API, by name."""


def answer(store: Store, sessions: Sessions, body: bytes) -> str:
    """The reply to one request: a triple, an error with five members, or a fault."""
    try:
        name, parameters = decode.call(body)
    except decode.DecodeError as error:
        return _fault(PARSE_ERROR, f"Call XML not a proper XML-RPC call. {error}")
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
    return _reply([True, value, 0])


def _failure(name: str, code: ErrorCode, message: str, object_id: int) -> str:
    return _reply([False, clean(f"[{name}] {message}"), int(code), object_id, 0])


def _reply(members: list[Any]) -> str:
    return xmlrpc.client.dumps((members,), methodresponse=True)


def _fault(code: int, message: str) -> str:
    return xmlrpc.client.dumps(xmlrpc.client.Fault(code, clean(message)))


def application(store: Store, sessions: Sessions) -> Starlette:
    """The XML-RPC server."""

    async def serve(request: Request) -> Response:
        try:
            body = await body_of(request)
        except BodyError as error:
            return Response(str(error), error.status)
        return Response(answer(store, sessions, body), media_type="text/xml")

    return Starlette(routes=[Route(path, serve, methods=["POST"]) for path in ("/RPC2", "/")])
