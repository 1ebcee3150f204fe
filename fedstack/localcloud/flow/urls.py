"""All routes of OneFlow (reference 5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from fedstack.localcloud.core.numbers import whole
from fedstack.localcloud.core.users import Sessions
from fedstack.localcloud.flow import actions, changes, documents, model, recovery, scaling, services, templates
from fedstack.localcloud.flow.errors import FlowError, MalformedError, refused
from fedstack.localcloud.flow.http import Call, Handler, Reply, endpoints
from fedstack.localcloud.flow.model import SERVICE, SERVICE_TEMPLATE
from fedstack.localcloud.store.database import Store
from fedstack.oneflow.states import ServiceState


def _shown(call: Call, document_id: int) -> dict[str, Any]:
    return documents.as_document(call.tx, documents.by_id(call.tx, document_id))


def list_services(call: Call) -> Reply:
    """GET /service"""
    return 200, documents.pool(call.tx, call.caller, SERVICE)


def show_service(call: Call) -> Reply:
    """GET /service/:id"""
    return 200, documents.as_document(call.tx, documents.typed(call.tx, call.caller, call.number(), SERVICE))


def delete_service(call: Call) -> Reply:
    """DELETE /service/:id"""
    documents.managed(call.tx, call.caller, call.number(), SERVICE)
    recovery.delete(call.tx, call.number())
    return 204, None


def update_service(call: Call) -> Reply:
    """PUT /service/:id"""
    documents.managed(call.tx, call.caller, call.number(), SERVICE)
    changes.update(call.tx, call.number(), call.json())
    return 204, None


def service_action(call: Call) -> Reply:
    """POST /service/:id/action"""
    actions.perform_on_service(call.tx, call.caller, call.number(), _json_or_500(call))
    return 204, None


def _json_or_500(call: Call) -> Any:
    """Actions answer unparsable JSON with the platform's JSON 500."""
    sent = call.json_or_nothing()
    if not isinstance(sent, Mapping):
        raise MalformedError("the body must be a JSON object")
    return sent


def scale_service(call: Call) -> Reply:
    """POST /service/:id/scale"""
    documents.managed(call.tx, call.caller, call.number(), SERVICE)
    sent = _json_or_500(call)
    wanted = whole(sent.get("cardinality"))
    if wanted is None:
        raise FlowError(400, f"cardinality must be a whole number, not {sent.get('cardinality')!r}")
    scaling.scale(call.tx, call.number(), str(sent.get("role_name")), wanted, force=sent.get("force") is True)
    return 204, None


def change_roles(call: Call) -> Reply:
    """POST /service/:id/role_action"""
    documents.managed(call.tx, call.caller, call.number(), SERVICE)
    perform, params = actions.action_of(_json_or_500(call))
    role = params.get("role") if isinstance(params, Mapping) else None
    if perform == "add_role":
        changes.add_role(call.tx, call.number(), role)
    elif perform == "remove_role":
        changes.remove_role(call.tx, call.number(), str(role))
    else:
        raise refused(f"Action {perform} not supported")
    return 204, None


def role_action(call: Call) -> Reply:
    """POST /service/:id/role/:role/action"""
    actions.perform_on_role(call.tx, call.caller, call.number(), call.path["role"], _json_or_500(call))
    return 204, None


def delete_schedule(call: Call) -> Reply:
    """DELETE /service/:id[/role/:role]/sched_action/:sid"""
    actions.unschedule(call.tx, call.caller, call.number(), call.path.get("role"), call.path["sid"])
    return 204, None


def purge(call: Call) -> Reply:
    """POST /service_pool/purge_done"""
    for service_id in services.services_in(call.tx, ServiceState.DONE):
        documents.managed(call.tx, call.caller, service_id, SERVICE)
        model.remove(call.tx, service_id)
    return 204, None


def list_templates(call: Call) -> Reply:
    """GET /service_template"""
    return 200, documents.pool(call.tx, call.caller, SERVICE_TEMPLATE)


def show_template(call: Call) -> Reply:
    """GET /service_template/:id"""
    return 200, documents.as_document(call.tx, documents.typed(call.tx, call.caller, call.number(), SERVICE_TEMPLATE))


def create_template(call: Call) -> Reply:
    """POST /service_template"""
    return 201, _shown(call, templates.create(call.tx, call.caller, call.json()))


def write_template(call: Call) -> Reply:
    """PUT /service_template/:id"""
    templates.write(call.tx, call.caller, call.number(), call.json())
    return 200, _shown(call, call.number())


def delete_template(call: Call) -> Reply:
    """DELETE /service_template/:id"""
    sent = call.json_or_nothing()
    what = sent.get("delete_type") if isinstance(sent, Mapping) else None
    templates.remove(call.tx, call.caller, call.number(), str(what))
    return 204, None


def template_action(call: Call) -> Reply:
    """POST /service_template/:id/action"""
    perform, params = actions.action_of(_json_or_500(call))
    documents.typed(call.tx, call.caller, call.number(), SERVICE_TEMPLATE)
    if perform == "instantiate":
        given = params.get("merge_template") if isinstance(params, Mapping) else None
        return 201, services.instantiate(call.tx, call.caller, call.number(), given)
    if perform == "update":
        templates.update_by_action(call.tx, call.caller, call.number(), params)
        return 204, None
    if perform == "clone":
        return 201, _clone(call, params)
    if perform in actions.OWNERSHIP:
        actions.change_ownership(call.tx, call.caller, call.number(), SERVICE_TEMPLATE, perform, params)
        return 204, None
    return 200, None


def _clone(call: Call, params: Any) -> dict[str, Any]:
    name = str(actions.parameter("clone", params, "name"))
    return _shown(call, templates.clone(call.tx, call.caller, call.number(), name, str(params.get("recursive"))))


_ROUTES: list[tuple[str, str, Handler]] = [
    ("GET", "/service", list_services),
    ("GET", "/service/{id}", show_service),
    ("DELETE", "/service/{id}", delete_service),
    ("PUT", "/service/{id}", update_service),
    ("POST", "/service/{id}/action", service_action),
    ("POST", "/service/{id}/scale", scale_service),
    ("POST", "/service/{id}/role_action", change_roles),
    ("POST", "/service/{id}/role/{role}/action", role_action),
    ("DELETE", "/service/{id}/sched_action/{sid}", delete_schedule),
    ("DELETE", "/service/{id}/role/{role}/sched_action/{sid}", delete_schedule),
    ("POST", "/service_pool/purge_done", purge),
    ("GET", "/service_template", list_templates),
    ("GET", "/service_template/{id}", show_template),
    ("POST", "/service_template", create_template),
    ("PUT", "/service_template/{id}", write_template),
    ("DELETE", "/service_template/{id}", delete_template),
    ("POST", "/service_template/{id}/action", template_action),
]


async def _not_found(_request: Request, _error: Exception) -> HTMLResponse:
    return HTMLResponse("<!DOCTYPE html><html><body><h2>Not found</h2></body></html>", 404)


def application(store: Store, sessions: Sessions) -> Starlette:
    """The OneFlow server."""
    endpoint = endpoints(store, sessions)
    routes = [Route(path, endpoint(handler), methods=[method]) for method, path, handler in _ROUTES]
    app = Starlette(routes=routes, exception_handlers={404: _not_found, 405: _not_found})
    app.router.redirect_slashes = False
    app.add_middleware(MergedSlashes)
    return app


class MergedSlashes:
    """Clients with a slash at the end of their endpoint ask for //service."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Passes the request on with single slashes."""
        if scope["type"] == "http":
            path = "/" + "/".join(part for part in scope["path"].split("/") if part)
            scope = {**scope, "path": path}
        await self._app(scope, receive, send)
