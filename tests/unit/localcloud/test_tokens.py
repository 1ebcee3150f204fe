"""OneGate tokens."""

from __future__ import annotations

import pytest

from fedstack.localcloud.core import token

PASSWORD = "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"
TOKEN = "L+YFtPNXsw0BSPQZ1JKo7g=="


def test_the_known_vector() -> None:
    assert token.make(PASSWORD, 7, 1700000000) == TOKEN
    assert token.opens(PASSWORD, TOKEN, 7, 1700000000)


@pytest.mark.parametrize(("vm_id", "stime"), [(8, 1700000000), (7, 1700000001)])
def test_another_vm_or_time_does_not_fit(vm_id: int, stime: int) -> None:
    assert not token.opens(PASSWORD, TOKEN, vm_id, stime)


@pytest.mark.parametrize("text", ["", "x", "AAAA", "ä", TOKEN + TOKEN, TOKEN[:-2], "A" * 10000])
def test_what_is_no_token_does_not_open(text: str) -> None:
    assert not token.opens(PASSWORD, text, 7, 1700000000)


@pytest.mark.parametrize("password", ["", "short", "ä" * 40, "\ud800" * 40])
def test_any_text_makes_a_key(password: str) -> None:
    made = token.make(password, 7, 1)
    assert token.opens(password, made, 7, 1)
    assert not token.opens(f"x{password}", made, 7, 1)
