"""Errors: what the platform said, and what to set; one line, never a traceback."""

import socket

import pytest
import requests

from opennebula_provider.errors import FlowError, ProviderError, one_line
from opennebula_provider.flow import Flow
from opennebula_provider.rpc import Rpc, parse, reason, refused


def test_a_refused_call_keeps_method_text_code_and_object() -> None:
    error = refused("one.image.delete", [False, "[one.image.delete] Image in use.", 0x0800, 7, 0])
    assert str(error) == "one.image.delete: Image in use. (ACTION 0x0800, object 7)"
    other = refused("one.x", [False, "odd", 77, -1])
    assert str(other) == "one.x: odd (error 0x004d)"


def test_a_refused_password_says_what_to_set() -> None:
    error = refused("one.vm.info", [False, "[one.vm.info] User couldn't be authenticated, aborting call.", 0x0100, -1])
    assert str(error) == (
        "OpenNebula refuses this user name and password (User couldn't be authenticated, aborting call.): set "
        "opennebula:username and opennebula:password, or ONE_AUTH to a file with user:password"
    )


def test_a_refused_request_keeps_the_platform_s_words() -> None:
    assert str(FlowError("OneFlow GET /service/5", 404, "Error getting document [5].")) == (
        "OneFlow GET /service/5: Error getting document [5]. (HTTP 404)"
    )


def test_unexpected_errors_are_one_line_with_their_kind() -> None:
    assert one_line(ProviderError("a\nb  c")) == "a b c"
    assert one_line(KeyError("x")) == "unexpected KeyError in the opennebula provider: 'x'"
    assert one_line(ValueError()) == "unexpected ValueError in the opennebula provider: no further text"


def test_the_reason_of_a_connection_error_is_its_innermost() -> None:
    with pytest.raises(requests.ConnectionError) as caught:
        requests.get("http://127.0.0.1:9", timeout=5)
    assert reason(caught.value) == "Connection refused"


def test_an_endpoint_that_never_answers_and_one_that_is_no_opennebula() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    rpc, flow = Rpc(f"http://127.0.0.1:{port}/RPC2", "a:b", True), Flow(f"http://127.0.0.1:{port}", "a", "b", True)
    with pytest.raises(ProviderError, match=r"does not answer \(Connection refused\): set opennebula:endpoint"):
        rpc._call("system.version", (), repeatable=False)
    with pytest.raises(ProviderError, match=r"OneFlow at .* set opennebula:flowEndpoint \(or ONEFLOW_URL\)"):
        flow._request("DELETE", "service/1", None)


def test_documents_become_trees() -> None:
    text = "<VM><ID>1</ID><T><NIC><IP>a</IP></NIC><NIC><IP>b</IP></NIC><E/></T></VM>"
    assert parse(text) == {"ID": "1", "T": {"NIC": [{"IP": "a"}, {"IP": "b"}], "E": ""}}
    assert parse("<VM_POOL/>") == {}
