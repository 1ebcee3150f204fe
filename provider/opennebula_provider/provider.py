"""The operations of a provider in plain Python: what the engine asks, without the wire."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fedstack.oneflow.unknown import UNKNOWN, without_unknowns

from .checks import Problem, check, completed
from .cloud import Cloud
from .config import resolve
from .diffs import Difference
from .engine import Engine
from .errors import InitFailedError, ProviderError, one_line
from .function import Function
from .registry import FUNCTIONS, RESOURCES
from .resource import Call, Made, Resource, as_it_is
from .schema import CONFIG
from .values import Properties


@dataclass(frozen=True)
class Request:
    """What a request says about its object; `state` are its outputs so far, `old` its inputs so far."""

    urn: str
    id: str = ""
    inputs: Properties | None = None
    old: Properties | None = None
    state: Properties | None = None
    timeout: float = 0.0
    preview: bool = False


class OpenNebula:
    """One provider process: configured once, then asked about many objects at the same time."""

    def __init__(self, engine: Engine, environment: Mapping[str, str]) -> None:
        self._engine = engine
        self._environment = environment
        self._cloud: Cloud | None = None

    async def configure(self, settings: Properties) -> None:
        """Connects; settings that are still unknown (in a preview) leave the provider without a cloud."""
        known, unknown = without_unknowns({key: value for key, value in settings.items() if key in CONFIG})
        if unknown:
            return
        cloud = Cloud(resolve(known, self._environment))
        await cloud.connect()
        self._cloud = cloud

    def cancel(self) -> None:
        """Ends every wait; what is being made stays in the state as not initialised."""
        if self._cloud is not None:
            self._cloud.poller.interrupt()

    def check(self, request: Request) -> tuple[Properties, list[Problem]]:
        """The inputs with defaults, and everything that is wrong with them."""
        resource = resource_of(request.urn)
        inputs, problems = check(resource.definition.inputs, request.inputs or {})
        return resource.complete(inputs), [*problems, *resource.check(inputs)]

    def diff(self, request: Request) -> Difference:
        """What differs between the declared inputs and those of the state."""
        call = Call(_NO_CLOUD, request.urn, request.id, request.inputs or {}, request.old or {}, request.state or {})
        return resource_of(request.urn).diff(call)

    async def create(self, request: Request) -> Made:
        """Makes an object; in a preview its outputs are unknown.

        Once there is an object, every failure keeps it in the state (InitFailedError).
        """
        resource, inputs = resource_of(request.urn), request.inputs or {}
        if request.preview:
            unknown = {name: UNKNOWN for name, one in resource.definition.outputs.items() if one.required}
            return Made("", {**inputs, **unknown}, inputs)
        call = self._call(resource, request)
        try:
            return await resource.create(call)
        except InitFailedError:
            raise
        except Exception as error:
            if not call.id:
                raise
            made = await as_it_is(resource, call)
            raise InitFailedError(made.id, made.properties, made.inputs, one_line(error)) from error

    async def read(self, request: Request) -> Made | None:
        """The object as it is; on import (no inputs yet) with the defaults that a program would get."""
        resource = resource_of(request.urn)
        call = self._call(resource, request)
        made = await resource.read(call)
        if made is None or request.inputs:
            return made
        inputs = completed(resource.definition.inputs, made.inputs)
        return Made(made.id, {**inputs, **made.properties}, inputs)

    async def update(self, request: Request) -> Made:
        """Brings an object to its inputs; in a preview what may change is unknown."""
        resource, inputs = resource_of(request.urn), request.inputs or {}
        if request.preview:
            kept = {name: value for name, value in (request.state or {}).items() if name in resource.definition.outputs}
            return Made(request.id, {**kept, **inputs, **dict.fromkeys(resource.volatile, UNKNOWN)}, inputs)
        return await resource.update(self._call(resource, request))

    async def delete(self, request: Request) -> None:
        """Removes an object."""
        resource = resource_of(request.urn)
        await resource.delete(self._call(resource, request))

    async def invoke(self, token: str, arguments: Properties) -> Properties:
        """Answers a function; where an argument is not known yet, nothing of the answer is."""
        function = function_of(token)
        inputs, problems = function.check(arguments)
        if problems:
            raise ProviderError("; ".join(str(one) for one in problems))
        if without_unknowns(inputs)[1]:
            return dict.fromkeys(function.definition.outputs, UNKNOWN)
        return await function.answer(self._connected(), inputs)

    def _connected(self) -> Cloud:
        if self._cloud is None:
            raise ProviderError("the settings of the opennebula provider are not known yet")
        return self._cloud

    def _call(self, resource: Resource, request: Request) -> Call:
        cloud = self._connected()
        state = request.state or {}
        _same_cloud(resource, request, state.get("endpoint"), cloud.endpoint)
        return Call(
            cloud,
            request.urn,
            request.id,
            request.inputs or {},
            request.old or {},
            state,
            request.timeout,
            report=lambda text: self._engine.status(request.urn, text),
            warn=lambda text: self._engine.warn(request.urn, text),
        )


_NO_CLOUD: Any = None
"""Diffs never ask the cloud."""


def resource_of(urn: str) -> Resource:
    """The resource that a URN is about; raises ProviderError for an unknown type."""
    token = urn.split("::")[-2].split("$")[-1] if urn.count("::") >= 2 else urn
    if token not in RESOURCES:
        raise ProviderError(f"unknown resource type {token!r}; this provider has {', '.join(RESOURCES)}")
    return RESOURCES[token]


def function_of(token: str) -> Function:
    """The function of that token; raises ProviderError for an unknown one."""
    if token not in FUNCTIONS:
        raise ProviderError(f"unknown function {token!r}; this provider has {', '.join(FUNCTIONS)}")
    return FUNCTIONS[token]


def _same_cloud(resource: Resource, request: Request, recorded: Any, configured: str) -> None:
    if isinstance(recorded, str) and recorded != configured:
        raise ProviderError(
            f"{resource.definition.name} {request.id} lives at {recorded}, but the provider is configured for "
            f"{configured}: set opennebula:endpoint back, or remove it from the state if that cloud is no more"
        )
