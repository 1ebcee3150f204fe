"""All routes of OneGate (reference 7.3)."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from sqlalchemy import Row
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fedstack.localcloud.core import jsontext
from fedstack.localcloud.core.numbers import whole
from fedstack.localcloud.core.text import check_length, clean
from fedstack.localcloud.flow import scaling
from fedstack.localcloud.flow.errors import FlowError
from fedstack.localcloud.gate import access, updates, views
from fedstack.localcloud.gate.errors import GateError
from fedstack.localcloud.limits import BodyError, body_of
from fedstack.localcloud.store.database import Store, Transaction
from fedstack.localcloud.vm import actions
from fedstack.localcloud.vm.update import APPEND, update_user_template, write
from fedstack.opennebula.errors import ErrorCode, OneError

LOG = logging.getLogger(__name__)
CONTENT_TYPE = "application/json;charset=utf-8"
_STATUS = {ErrorCode.NO_EXISTS: 404, ErrorCode.AUTHORIZATION: 403, ErrorCode.AUTHENTICATION: 401}


@dataclass(frozen=True)
class Call:
    """One request of a guest, inside its transaction; `vm` is the guest's own VM."""

    tx: Transaction
    vm: Row[Any]
    path: dict[str, str]
    query: Mapping[str, str]
    text: str

    def form(self) -> dict[str, str]:
        """The parameters of a form body and of the query."""
        return {
            **{key: values[-1] for key, values in parse_qs(self.text, keep_blank_values=True).items()},
            **self.query,
        }


Reply = tuple[int, Any]
Handler = Callable[[Call], Reply]


def show_vm(call: Call) -> Reply:
    """GET /vm"""
    return 200, views.vm_json(call.vm)


def show_other_vm(call: Call) -> Reply:
    """GET /vms/:id"""
    return 200, views.vm_json(access.sibling(call.tx, call.vm, call.path["id"]))


def show_service(call: Call) -> Reply:
    """GET /service; any value of `extended` counts."""
    extended = "extended" in call.form()
    return 200, views.service_json(call.tx, access.own_service(call.tx, call.vm), extended=extended)


def update_vm(call: Call) -> Reply:
    """PUT /vm"""
    return _update(call, call.vm)


def update_other_vm(call: Call) -> Reply:
    """PUT /vms/:id"""
    return _update(call, access.sibling(call.tx, call.vm, call.path["id"]))


def _update(call: Call, row: Row[Any]) -> Reply:
    form = call.form()
    text, kind = (form["data"], form.get("type", "1")) if "data" in form else (call.text, form.get("type", "1"))
    check_length(text)
    name = updates.protected_name(text if kind == "1" else f"{text}=")
    if name is not None:
        raise GateError(403, f"Attribute (or deprecated restricted attribute) {name} cannot be modified.")
    if kind == "1":
        update_user_template(call.tx, row.id, text if text.lstrip().startswith("<") else updates.quoted(text), APPEND)
    else:
        _erase(call, row, text.strip())
    return 200, None


def _erase(call: Call, row: Row[Any], name: str) -> None:
    if name not in row.user_template:
        raise GateError(500, "Internal server error")
    write(call.tx, row.id, {key: value for key, value in row.user_template.items() if key != name}, "")


def act_on_vm(call: Call) -> Reply:
    """POST /vms/:id/action"""
    row = access.sibling(call.tx, call.vm, call.path["id"])
    try:
        action = jsontext.read(call.text)["action"]
        perform, params = str(action["perform"]), action.get("params")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise GateError(400, 'the body must be {"action": {"perform": ...}}') from error
    if perform == "reboot":
        raise GateError(403, "Action reboot is not allowed")
    hard = "-hard" if perform == "terminate" and params is True else ""
    actions.act(call.tx, row.id, perform + hard)
    return 204, None


def scale_role(call: Call) -> Reply:
    """PUT /service/role/:role"""
    service = access.own_service(call.tx, call.vm)
    wanted = _cardinality(call.text)
    if wanted is None:
        raise GateError(400, 'the body must be {"cardinality": number}')
    try:
        scaling.scale(call.tx, service.id, call.path["role"], wanted, force=False)
    except FlowError as error:
        raise GateError(400, str(error)) from error
    return 200, None


def _cardinality(text: str) -> int | None:
    try:
        sent = jsontext.read(text)
    except ValueError:
        return None
    return whole(sent.get("cardinality")) if isinstance(sent, Mapping) else None


def _answer(store: Store, handler: Handler, request: Request, text: str) -> Response:
    path = dict(request.path_params)
    try:
        with store.begin() as tx:
            row = access.authenticated(tx, request.headers, path.get("id"))
            status, value = handler(Call(tx, row, path, dict(request.query_params), text))
    except GateError as error:
        return _text(error.status, str(error))
    except OneError as error:
        status = _STATUS.get(error.code, 500)
        return _text(status, "Internal server error" if status == 500 else error.message)
    except Exception:
        LOG.exception("request failed")
        return _text(500, "Internal server error")
    return _text(status, "" if value is None else json.dumps(value, ensure_ascii=False))


def _text(status: int, text: str) -> Response:
    if status == 204:
        return Response(status_code=204)
    return Response(text, status_code=status, headers={"content-type": CONTENT_TYPE})


def _endpoint(store: Store, handler: Handler) -> Callable[[Request], Any]:
    async def serve(request: Request) -> Response:
        try:
            body = await body_of(request)
        except BodyError as error:
            return _text(error.status, str(error))
        return _answer(store, handler, request, clean(body.decode("utf-8", "replace")))

    return serve


_ROUTES: list[tuple[str, str, Handler]] = [
    ("GET", "/vm", show_vm),
    ("PUT", "/vm", update_vm),
    ("GET", "/vms/{id}", show_other_vm),
    ("PUT", "/vms/{id}", update_other_vm),
    ("POST", "/vms/{id}/action", act_on_vm),
    ("GET", "/service", show_service),
    ("PUT", "/service/role/{role}", scale_role),
]


def application(store: Store) -> Starlette:
    """The OneGate server."""

    async def root(request: Request) -> Response:
        try:
            with store.begin() as tx:
                access.authenticated(tx, request.headers, None)
        except GateError as error:
            return _text(error.status, str(error))
        base = store.site.gate_url
        return _text(200, json.dumps({"vm_info": f"{base}/vm", "service_info": f"{base}/service"}))

    async def unsupported(_request: Request, _error: Exception) -> Response:
        return _text(400, "Method not supported for the requested resource")

    routes = [Route(path, _endpoint(store, handler), methods=[method]) for method, path, handler in _ROUTES]
    app = Starlette(routes=[Route("/", root), *routes], exception_handlers={404: unsupported, 405: unsupported})
    app.router.redirect_slashes = False
    return app
