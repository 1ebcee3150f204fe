"""The SDK's messages without the SDK: what a provider process loads, and that the SDK still loads beside it."""

import subprocess
import sys

from tests.support.workspace import ROOT


def run(program: str) -> str:
    """What a fresh interpreter prints."""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT / "provider", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_provider_loads_nothing_of_the_sdk_but_its_messages() -> None:
    loaded = run("import sys, opennebula_provider.server; print(*[n for n in sys.modules if n.startswith('pulumi')])")
    assert loaded == ""


def test_the_sdk_loads_after_the_provider_with_the_same_messages() -> None:
    program = """
from opennebula_provider import wire
import pulumi
from pulumi.provider.experimental.server import ProviderServicer
from pulumi.runtime.proto import provider_pb2
print(pulumi.runtime.proto.provider_pb2.CheckRequest is wire.provider_pb2.CheckRequest, ProviderServicer.__name__)
"""
    assert run(program) == "True ProviderServicer"


def test_the_provider_takes_the_messages_of_an_sdk_that_is_there_already() -> None:
    program = """
import pulumi
from pulumi.runtime.proto import provider_pb2
from opennebula_provider import wire
print(wire.provider_pb2 is provider_pb2)
"""
    assert run(program) == "True"
