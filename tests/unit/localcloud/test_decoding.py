"""What strangers send, decoded within bounds: XML-RPC calls, JSON, numbers, bodies."""

from __future__ import annotations

import asyncio
import json
import xmlrpc.client
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from fedstack.localcloud import limits
from fedstack.localcloud.core import jsontext
from fedstack.localcloud.core.numbers import natural, whole
from fedstack.localcloud.limits import BodyError, body_of
from fedstack.localcloud.rpc import decode

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def call(inner: str) -> bytes:
    return f"<methodCall><methodName>x</methodName><params>{inner}</params></methodCall>".encode()


def param(value: str) -> bytes:
    return call(f"<param><value>{value}</value></param>")


def test_a_call_is_read() -> None:
    sent = xmlrpc.client.dumps(("a:b", 3, True, ["é<&"], {"k": 1}), "one.vm.info").encode()
    assert decode.call(sent) == ("one.vm.info", ["a:b", 3, True, ["é<&"], {"k": 1}])


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"<a>", b"\xff\xfe", b"<methodResponse/>", b"<a/>" * 3, b"</value>"),
        *(param("<bigdecimal>x</bigdecimal>"), param(f"<int>{'9' * 5000}</int>"), param("<base64>\x01</base64>")),
        *(b"<!DOCTYPE a><a/>", b"<a>" * 100, param("<array>" * 40), param("<nil/>" * 100_001)),
        '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'.encode("utf-16"),
        b"<methodResponse><fault><value><int>1</int></value></fault></methodResponse>",
    ],
)
def test_what_is_no_call_is_refused(body: bytes) -> None:
    with pytest.raises(decode.DecodeError):
        decode.call(body)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_call_or_refused(body: bytes) -> None:
    with pytest.raises(decode.DecodeError):
        decode.call(body)


@given(VALUES)
def test_json_is_read_and_printed_as_ever(value: Any) -> None:
    text = json.dumps(value)
    assert jsontext.read(text) == json.loads(text)
    assert jsontext.pretty(value) == json.dumps(value, indent=2, ensure_ascii=False)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[" * 101 + "]" * 101, "deeper than 100"),
        ("[" * 100_000, "deeper than 100"),
        ("[NaN]", "no JSON number"),
        ("[-Infinity]", "no JSON number"),
        ("[1e999]", "too large"),
        ("9223372036854775808", "64 bits"),
        ('{"a\\ud800": 1}', "surrogate"),
        (f"[{'1,' * jsontext.MAX_MEMBERS}1]", "more than 10000 members"),
        ("{", "Expecting"),
    ],
)
def test_json_out_of_bounds_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        jsontext.read(text)


def test_json_up_to_the_bounds_is_read() -> None:
    assert jsontext.read("[" * 100 + "]" * 100)
    assert jsontext.read(str(2**63 - 1)) == 2**63 - 1


@pytest.mark.parametrize("text", ["", "-1", "1.0", " 1", "1\n", "²", "٣", "9" * 16, None, 1])
def test_only_digits_are_a_natural_number(text: object) -> None:
    assert natural(text) is None


def test_numbers() -> None:
    assert (natural("0"), natural("9" * 15)) == (0, 10**15 - 1)
    assert [whole(one) for one in (3, "-3", "3", True, None, "", "²", 1.5, 10**9, "x")] == [3, -3, 3, *[None] * 7]


GONE = b"gone"
"""In place of a part: the client closes the connection."""


def request(parts: list[bytes], length: int | None = None) -> Request:
    """A request whose parts arrive one by one, and after them nothing."""
    waiting = list(parts)

    async def receive() -> dict[str, Any]:
        if waiting and waiting[0] == GONE:
            return {"type": "http.disconnect"}
        if not waiting:
            await asyncio.Event().wait()
        return {"type": "http.request", "body": waiting.pop(0), "more_body": True}

    headers = [] if length is None else [(b"content-length", str(length).encode())]
    return Request({"type": "http", "method": "POST", "headers": headers}, receive)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (request([], limits.MAX_BODY + 1), 413),
        (request([b"x" * (1 << 20)] * 5), 413),
        (request([b"x"]), 408),
        (request([b"x", GONE]), 400),
    ],
)
def test_bodies_end_at_their_bounds(sent: Request, status: int) -> None:
    with pytest.raises(BodyError) as refused:
        asyncio.run(body_of(sent, seconds=0.05))
    assert refused.value.status == status
