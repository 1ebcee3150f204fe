"""The gRPC side: what the engine asks, on the SDK's messages.

The servicer is not the SDK's own. That one turns every exception into a traceback, drops `old_inputs` from diffs,
cannot say that an object was created but not initialised, does not know unknown values, and outlives its engine.
Without it the provider also starts sooner (`wire`).
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import importlib
import os
import signal
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import grpc
import grpc.aio
from google.protobuf import empty_pb2

from . import VERSION
from .diffs import Change, Difference, Kind
from .engine import Engine
from .errors import InitFailedError, ProviderError, one_line
from .provider import OpenNebula, Request
from .rpc import CALLS_AT_ONCE
from .schema import schema_text
from .values import Properties, from_struct, to_struct
from .wire import CHANNEL_OPTIONS, plugin_pb2, provider_pb2, provider_pb2_grpc, status_pb2

Reply = TypeVar("Reply")
Method = Callable[[Any, Any, Any], Coroutine[Any, Any, Reply]]


def answered(method: Method[Reply]) -> Method[Reply]:
    """Whatever goes wrong in a method reaches the user as one message."""

    @functools.wraps(method)
    async def wrapper(self: Any, request: Any, context: Any) -> Any:
        try:
            return await method(self, request, context)
        except InitFailedError as error:
            return await context.abort_with_status(init_failed_status(error))
        except Exception as error:
            return await context.abort(grpc.StatusCode.UNKNOWN, one_line(error))

    return wrapper


def init_failed_status(error: InitFailedError) -> grpc.Status:
    """The status that makes the engine keep the object in the state, with the reason."""
    detail = provider_pb2.ErrorResourceInitFailed(
        id=error.object_id,
        properties=to_struct(error.properties),
        inputs=to_struct(error.inputs),
        reasons=[one_line(error)],
    )
    packed = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=one_line(error))
    packed.details.add().Pack(detail)
    status = grpc.Status()
    status.code = grpc.StatusCode.UNKNOWN
    status.details = one_line(error)
    status.trailing_metadata = (("grpc-status-details-bin", packed.SerializeToString()),)
    return status


class Servicer(provider_pb2_grpc.ResourceProviderServicer):
    """The engine's requests in the wire's form."""

    def __init__(self, provider: OpenNebula) -> None:
        self._opennebula = provider

    async def GetPluginInfo(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        """Which version this is."""
        return plugin_pb2.PluginInfo(version=VERSION)

    @answered
    async def GetSchema(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        """The package's schema."""
        return provider_pb2.GetSchemaResponse(schema=schema_text())

    async def Cancel(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        """The user stops the update: every wait ends, what is being made stays in the state."""
        self._opennebula.cancel()
        return empty_pb2.Empty()

    @answered
    async def CheckConfig(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        """Settings are checked when they are used: a value may still be unknown here."""
        return provider_pb2.CheckResponse(inputs=request.news)

    @answered
    async def DiffConfig(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        """Other settings never replace what is there; an object remembers its endpoint itself."""
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_UNKNOWN)

    @answered
    async def Configure(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        """Connects. Secrets are declined, so the engine unwraps them and marks them again in the results."""
        await self._opennebula.configure(from_struct(request.args))
        return provider_pb2.ConfigureResponse(supportsPreview=True)

    @answered
    async def Check(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        """Defaults and every problem at once; the path stands in the reason, where it prints well."""
        inputs, problems = self._opennebula.check(Request(request.urn, inputs=from_struct(request.news)))
        failures = [provider_pb2.CheckFailure(property="", reason=str(problem)) for problem in problems]
        return provider_pb2.CheckResponse(inputs=to_struct(inputs), failures=failures)

    @answered
    async def Diff(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        """Property by property."""
        return diff_response(self._opennebula.diff(_about(request, news=True)))

    @answered
    async def Create(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        """Makes an object."""
        about = Request(
            request.urn, inputs=from_struct(request.properties), timeout=request.timeout, preview=request.preview
        )
        made = await self._opennebula.create(about)
        return provider_pb2.CreateResponse(id=made.id, properties=to_struct(made.properties))

    @answered
    async def Read(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        """Reads an object; an empty id says that it is gone."""
        about = Request(request.urn, request.id, from_struct(request.inputs), state=from_struct(request.properties))
        made = await self._opennebula.read(about)
        if made is None:
            return provider_pb2.ReadResponse()
        return provider_pb2.ReadResponse(
            id=made.id, properties=to_struct(made.properties), inputs=to_struct(made.inputs)
        )

    @answered
    async def Update(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        """Changes an object in place."""
        made = await self._opennebula.update(_about(request, news=True))
        return provider_pb2.UpdateResponse(properties=to_struct(made.properties))

    @answered
    async def Delete(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        """Removes an object."""
        about = Request(
            request.urn,
            request.id,
            from_struct(request.old_inputs),
            state=from_struct(request.properties),
            timeout=request.timeout,
        )
        await self._opennebula.delete(about)
        return empty_pb2.Empty()

    @answered
    async def Invoke(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        """Answers a function."""
        answer = await self._opennebula.invoke(request.tok, from_struct(request.args))
        reply = provider_pb2.InvokeResponse()
        getattr(reply, "return").CopyFrom(to_struct(answer))
        return reply

    @answered
    async def Call(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        """There are no methods."""
        raise ProviderError(f"{request.tok}: the opennebula provider has no methods")

    @answered
    async def Construct(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        """There are no components."""
        raise ProviderError(f"{request.type}: the opennebula provider has no components")

    @answered
    async def Parameterize(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        """There is nothing to choose."""
        raise ProviderError("the opennebula provider takes no parameters")


def _about(request: Any, *, news: bool) -> Request:
    """A diff or update: `olds` are the outputs so far; an engine without `old_inputs` has its inputs among them."""
    state = from_struct(request.olds)
    old: Properties = from_struct(request.old_inputs) or state
    return Request(
        request.urn,
        request.id,
        from_struct(request.news) if news else None,
        old,
        state,
        timeout=getattr(request, "timeout", 0.0),
        preview=getattr(request, "preview", False),
    )


_KINDS = {
    (Kind.ADD, False): provider_pb2.PropertyDiff.ADD,
    (Kind.ADD, True): provider_pb2.PropertyDiff.ADD_REPLACE,
    (Kind.DELETE, False): provider_pb2.PropertyDiff.DELETE,
    (Kind.DELETE, True): provider_pb2.PropertyDiff.DELETE_REPLACE,
    (Kind.UPDATE, False): provider_pb2.PropertyDiff.UPDATE,
    (Kind.UPDATE, True): provider_pb2.PropertyDiff.UPDATE_REPLACE,
}


def _property_diff(change: Change) -> Any:
    return provider_pb2.PropertyDiff(kind=_KINDS[change.kind, change.replace], inputDiff=not change.from_state)


def diff_response(difference: Difference) -> Any:
    """A difference as the engine wants it."""
    found = bool(difference.changes)
    return provider_pb2.DiffResponse(
        changes=provider_pb2.DiffResponse.DIFF_SOME if found else provider_pb2.DiffResponse.DIFF_NONE,
        replaces=difference.replaces,
        diffs=difference.names,
        deleteBeforeReplace=difference.delete_first,
        detailedDiff={path: _property_diff(change) for path, change in difference.changes.items()},
        hasDetailedDiff=found,
    )


def end_host() -> None:
    """Ends the language host that runs this plugin: it serves the same engine and does not notice that it is gone."""
    parent = os.getppid()
    name = Path(f"/proc/{parent}/comm")
    if name.is_file() and name.read_text().startswith("pulumi-language"):
        os.kill(parent, signal.SIGTERM)


async def serve(engine_address: str) -> None:
    """Serves until the engine is gone; writes the port as the first line of output."""
    engine = Engine(engine_address)
    provider = OpenNebula(engine, os.environ)
    server = grpc.aio.server(options=CHANNEL_OPTIONS)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Servicer(provider), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(port, flush=True)
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(CALLS_AT_ONCE))
    loop.add_signal_handler(signal.SIGINT, os._exit, 130)  # the engine's last word; Cancel came before
    loop.run_in_executor(None, load_ahead)
    await engine.gone()
    end_host()
    os._exit(0)  # calls that still run belong to nobody; waiting for them would keep the process


def load_ahead() -> None:
    """Loads what the first operations need while the engine is still starting the program."""
    for name in ("requests", "lxml.etree", "fedstack.oneflow.template"):
        importlib.import_module(name)


def main() -> None:
    """Entry point of the plugin."""
    arguments = argparse.ArgumentParser(description="Pulumi provider for OpenNebula")
    arguments.add_argument("engine", nargs="?", default="", help="address of the Pulumi engine")
    known, _ = arguments.parse_known_args()
    asyncio.run(serve(known.engine))
