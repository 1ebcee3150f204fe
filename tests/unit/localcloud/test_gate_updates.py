"""The text that guests send."""

from __future__ import annotations

import pytest

from fedstack.localcloud.gate.updates import protected_name, quoted


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("READY=YES", 'READY="YES"'),
        ("A=bar baz", 'A="bar baz"'),
        ('A="bar"', 'A="bar"'),
        ("A=x=y", 'A="x=y"'),
        ("T=a,b", 'T="a",b'),
        ("A=1\nB=2", 'A="1"\nB="2"'),
        ('A=say "hi"', 'A="say \\"hi\\""'),
        ("V=[ A=1 ]", "V=[ A=1 ]"),
        ("no assignment", "no assignment"),
    ],
)
def test_values_are_quoted(sent: str, expected: str) -> None:
    assert quoted(sent) == expected


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ("SERVICE_ID=1", "SERVICE_ID"),
        ("service_id = 1", "SERVICE_ID"),
        ("A=1\nROLE_NAME=x", "ROLE_NAME"),
        ("A=1\rROLE_NAME=x", "ROLE_NAME"),
        ("<T><SERVICE_ID>1</SERVICE_ID></T>", "SERVICE_ID"),
        ("MY_SERVICE_ID=1", None),
        ("NOTE=about SERVICE_ID", None),
    ],
)
def test_protected_names_are_found(sent: str, name: str | None) -> None:
    assert protected_name(sent) == name
