"""The SDK's gRPC messages without the SDK.

A provider with a servicer of its own needs `pulumi.runtime.proto` and nothing else, but importing that the plain way
first runs all of `pulumi`: the program's runtime, the automation API, tracing. That takes longer than the rest of this
provider's start. So the packages above the messages are there in name only while these load.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from types import ModuleType

SDK = "pulumi"


@contextmanager
def bare_packages() -> Iterator[None]:
    """Inside, `pulumi.runtime.proto` loads alone; afterwards `import pulumi` brings the whole SDK as ever."""
    spec = None if SDK in sys.modules else find_spec(SDK)
    if spec is None or not spec.submodule_search_locations:
        yield
        return
    root = next(iter(spec.submodule_search_locations))
    before = set(sys.modules)
    for name, folder in ((SDK, root), (f"{SDK}.runtime", f"{root}/runtime")):
        sys.modules[name] = ModuleType(name)
        sys.modules[name].__path__ = [folder]
    try:
        yield
    finally:
        for name in set(sys.modules) - before:
            if name.partition(".")[0] == SDK:
                del sys.modules[name]


with bare_packages():
    from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS as CHANNEL_OPTIONS
    from pulumi.runtime.proto import (
        engine_pb2,
        engine_pb2_grpc,
        plugin_pb2,
        provider_pb2,
        provider_pb2_grpc,
        status_pb2,
    )

__all__ = [
    "CHANNEL_OPTIONS",
    "engine_pb2",
    "engine_pb2_grpc",
    "plugin_pb2",
    "provider_pb2",
    "provider_pb2_grpc",
    "status_pb2",
]
