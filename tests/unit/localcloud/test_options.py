"""Options of the server and of passwords."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from fedstack.localcloud import options
from fedstack.localcloud.core import secrets
from fedstack.localcloud.options import Options


def test_options_survive_the_command_line() -> None:
    plain = Options(Path("/x"), "simulated", False, 1.5, 1, 2, 3, 4.0, "full")
    wanted = replace(plain, host="::1", tls_certificate=Path("/c"), tls_key=Path("/k"), insecure_bind=True)
    assert options.parse(plain.arguments()) == (plain, None)
    assert options.parse([*wanted.arguments(), "--report-fd", "7"]) == (wanted, 7)


@pytest.mark.parametrize(
    "wrong",
    [
        ["--rpc-port", "70000"],
        ["--rpc-port", "-1"],
        ["--boot-time", "-1"],
        ["--hypervisor", "kvm"],
        ["--guest-reports", "x"],
    ],
)
def test_wrong_options_end_with_code_2(wrong: list[str]) -> None:
    with pytest.raises(SystemExit) as end:
        options.parse(wrong)
    assert end.value.code == 2


def test_passwords_are_salted() -> None:
    first, second = secrets.hashed("pässword"), secrets.hashed("pässword")
    assert first != second
    assert secrets.matches("pässword", first)
    assert not secrets.matches("password", first)
    assert not secrets.matches("pässword", "plain")
