"""Permissions in their three forms."""

import pytest

from fedstack.opennebula.permissions import Permissions


def test_octal_flags_and_back() -> None:
    flags = Permissions.from_octal("640").as_dict()
    assert [key for key, value in flags.items() if value == "1"] == ["OWNER_U", "OWNER_M", "GROUP_U"]
    assert Permissions.from_octal("640").octal == "640"


def test_chmod_keeps_what_is_minus_one() -> None:
    assert Permissions(0o600).changed((-1, 0, 1, 1, -1, -1, -1, -1, -1)).octal == "540"


@pytest.mark.parametrize("text", ["64", "800", "rw-", ""])
def test_refuses_other_text(text: str) -> None:
    with pytest.raises(ValueError, match="three octal digits"):
        Permissions.from_octal(text)
