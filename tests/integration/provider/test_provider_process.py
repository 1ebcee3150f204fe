"""The plugin as a process, over its own wire: start, errors without tracebacks, end with its engine."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from provider_cloud import TestCloud
from provider_plugin import ROOT, Plugin, message, running_plugin, struct
from pulumi.runtime.proto import provider_pb2

from tests.support.waiting import wait_for

CLOSED_PORT = "http://127.0.0.1:9/RPC2"


@pytest.fixture
def plugin() -> Iterator[Plugin]:
    with running_plugin(ONE_AUTH="oneadmin:secret") as running:
        yield running


def urn(kind: str) -> str:
    return f"urn:pulumi:s::p::opennebula:index:{kind}::x"


def test_it_serves_its_schema_and_ends_with_its_engine(plugin: Plugin) -> None:
    reply = plugin.stub.GetSchema(provider_pb2.GetSchemaRequest())
    assert '"opennebula:index:Service"' in reply.schema
    plugin.engine.stop(None).wait()
    assert plugin.process.wait(timeout=20) == 0


def test_it_ends_with_an_engine_that_asked_nothing(plugin: Plugin) -> None:
    plugin.engine.stop(None).wait()
    assert plugin.process.wait(timeout=20) == 0


def test_it_ends_when_its_engine_was_gone_before_it_started() -> None:
    command = [sys.executable, str(ROOT / "provider"), "127.0.0.1:9"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr


def test_it_ends_in_the_middle_of_a_wait(cloud: TestCloud) -> None:
    """A network in use is asked to go again and again until the deadline, which is minutes away."""
    with running_plugin(**cloud.environment) as plugin:
        plugin.stub.Configure(provider_pb2.ConfigureRequest(args=struct()))
        inputs = struct(name="held", vnMad="dummy", addressRanges=[{"type": "IP4", "ip": "10.9.0.1", "size": 2}])
        made = plugin.stub.Create(provider_pb2.CreateRequest(urn=urn("VirtualNetwork"), properties=inputs))
        machine = cloud.call("vm.allocate", f'CPU="0.1"\nMEMORY="8"\nNIC=[NETWORK_ID="{made.id}"]')
        request = provider_pb2.DeleteRequest(
            id=made.id, urn=urn("VirtualNetwork"), properties=made.properties, old_inputs=inputs
        )
        waiting = plugin.stub.Delete.future(request)
        wait_for(lambda: any("leases" in text for text in plugin.messages), 20, "the platform's refusal")
        plugin.engine.stop(None).wait()
        assert plugin.process.wait(timeout=20) == 0
        assert waiting.exception() is not None
    cloud.call("vm.recover", machine, 3)


def test_a_plugin_folder_without_its_environment_says_so(tmp_path: Path) -> None:
    launcher = shutil.copy(ROOT / "provider/pulumi-resource-opennebula", tmp_path)
    done = subprocess.run([launcher, "127.0.0.1:9"], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(f"pulumi-resource-opennebula: no virtual environment at {tmp_path}/venv or ")


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
    assert text == "exactly one of imageId and name is needed, got none of them"
    text = message(stub.Invoke, provider_pb2.InvokeRequest(tok="opennebula:index:getVersion"))
    assert text == "the settings of the opennebula provider are not known yet"
    assert "unknown function 'x'" in message(stub.Invoke, provider_pb2.InvokeRequest(tok="x"))
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
