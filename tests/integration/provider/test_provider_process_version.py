"""An OpenNebula that is too old, through the real CLI: refused when the provider is configured, by its version."""

import threading
from collections.abc import Iterator
from pathlib import Path
from xmlrpc.server import SimpleXMLRPCServer

import pytest
from provider_stack import Stack


@pytest.fixture
def old_endpoint() -> Iterator[str]:
    """An endpoint that knows one call and says that it is 6.10.3."""
    with SimpleXMLRPCServer(("127.0.0.1", 0), logRequests=False) as server:
        server.register_function(lambda _session: [True, "6.10.3", 0], "one.system.version")
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/RPC2"
        server.shutdown()
        thread.join()


def test_an_older_opennebula_is_refused(old_endpoint: str, tmp_path: Path) -> None:
    there = {"ONE_XMLRPC": old_endpoint, "ONE_AUTH": "oneadmin:secret"}
    stack = Stack(tmp_path / "project", there, {"mark": {"type": "Mark", "inputs": {}}})
    refused = stack.up()
    assert refused.returncode != 0
    assert f"OpenNebula at {old_endpoint} is version 6.10.3; this provider needs 7.0 or newer" in refused.stdout
    assert "Traceback" not in refused.stdout
    assert "mark" not in stack.resources()
