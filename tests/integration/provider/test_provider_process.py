"""The plugin as a process, over its own wire: start, errors without tracebacks, end with its engine."""

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime.proto import engine_pb2_grpc, provider_pb2, provider_pb2_grpc

ROOT = Path(__file__).resolve().parents[3]
CLOSED_PORT = "http://127.0.0.1:9/RPC2"


class Messages(engine_pb2_grpc.EngineServicer):
    """The part of an engine that a provider talks to."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def Log(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        self.seen.append(request.message)
        return empty_pb2.Empty()


@dataclass
class Plugin:
    process: subprocess.Popen[str]
    stub: Any
    engine: grpc.Server


@pytest.fixture
def plugin() -> Iterator[Plugin]:
    engine = grpc.server(ThreadPoolExecutor(2))
    engine_pb2_grpc.add_EngineServicer_to_server(Messages(), engine)
    port = engine.add_insecure_port("127.0.0.1:0")
    engine.start()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "ONE_AUTH": "oneadmin:secret"}
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "provider"), f"127.0.0.1:{port}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    try:
        with grpc.insecure_channel(f"127.0.0.1:{process.stdout.readline().strip()}") as channel:
            yield Plugin(process, provider_pb2_grpc.ResourceProviderStub(channel), engine)
    finally:
        process.kill()
        process.communicate()
        engine.stop(None)


def struct(**values: Any) -> struct_pb2.Struct:
    made = struct_pb2.Struct()
    made.update(values)
    return made


def urn(kind: str) -> str:
    return f"urn:pulumi:s::p::opennebula:index:{kind}::x"


def message(call: Any, request: Any) -> str:
    with pytest.raises(grpc.RpcError) as caught:
        call(request)
    return str(caught.value.details())


def test_it_serves_its_schema_and_ends_with_its_engine(plugin: Plugin) -> None:
    reply = plugin.stub.GetSchema(provider_pb2.GetSchemaRequest())
    assert '"opennebula:index:Service"' in reply.schema
    plugin.engine.stop(None).wait()
    assert plugin.process.wait(timeout=20) == 0


def test_errors_are_one_message(plugin: Plugin) -> None:
    stub = plugin.stub
    text = message(stub.Configure, provider_pb2.ConfigureRequest(args=struct(endpoint=CLOSED_PORT)))
    assert text == (
        f"OpenNebula at {CLOSED_PORT} does not answer (Connection refused): set opennebula:endpoint (or ONE_XMLRPC) to "
        "the address of a running OpenNebula"
    )
    text = message(stub.Create, provider_pb2.CreateRequest(urn=urn("Mark"), properties=struct()))
    assert text == "the settings of the opennebula provider are not known yet"
    text = message(stub.Invoke, provider_pb2.InvokeRequest(tok="opennebula:index:getImage"))
    assert text == "opennebula:index:getImage: the opennebula provider has no functions"
    assert "unknown resource type" in message(stub.Check, provider_pb2.CheckRequest(urn=urn("Nothing")))


def test_previews_need_no_cloud(plugin: Plugin) -> None:
    request = provider_pb2.CreateRequest(urn=urn("Image"), properties=struct(name="a", path="/x"), preview=True)
    properties = dict(plugin.stub.Create(request).properties.items())
    assert properties["name"] == "a"
    assert properties["imageId"] == "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


def test_check_and_diff_speak_the_wire(plugin: Plugin) -> None:
    checked = plugin.stub.Check(provider_pb2.CheckRequest(urn=urn("Image"), news=struct(name="a/b", path="/x")))
    assert [(failure.property, failure.reason.split(":")[0]) for failure in checked.failures] == [("", "name")]
    old, new = struct(name="a", path="/x"), struct(name="a", path="/y")
    request = provider_pb2.DiffRequest(urn=urn("Image"), id="1", olds=old, old_inputs=old, news=new)
    found = plugin.stub.Diff(request)
    assert found.changes == provider_pb2.DiffResponse.DIFF_SOME
    assert list(found.replaces) == ["path"]
    assert found.deleteBeforeReplace
    assert found.detailedDiff["path"].kind == provider_pb2.PropertyDiff.UPDATE_REPLACE
    same = provider_pb2.DiffRequest(urn=urn("Image"), id="1", olds=old, old_inputs=old, news=old)
    assert plugin.stub.Diff(same).changes == provider_pb2.DiffResponse.DIFF_NONE
