"""Template text, trees, XML and JSON."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from fedstack.localcloud.core import text, tree
from fedstack.opennebula.errors import ErrorCode, OneError


@given(st.text())
def test_any_text_survives_xml(value: str) -> None:
    document = tree.xml("VM", {"NAME": value, "TEMPLATE": {"A": value, "V": {"B": value}}})
    parsed = etree.fromstring(document.encode())
    expected = text.clean(value).replace("\r\n", "\n").replace("\r", "\n")
    for path in ("NAME", "TEMPLATE/A", "TEMPLATE/V/B"):
        found = (parsed.findtext(path) or "").replace("\r\n", "\n").replace("\r", "\n")
        assert found == expected


def test_template_members_are_cdata() -> None:
    assert tree.xml("VM", {"ID": "1", "TEMPLATE": {"A": "<1>"}}) == (
        "<VM><ID>1</ID><TEMPLATE><A><![CDATA[<1>]]></A></TEMPLATE></VM>"
    )


def test_json_keeps_lists_only_where_something_repeats() -> None:
    shown = tree.as_json({"A": "", "T": {"X": ["1"], "Y": ["1", "2"], "Z": []}, "TEMPLATE": {"E": ""}})
    assert shown == {"A": {}, "T": {"X": "1", "Y": ["1", "2"]}, "TEMPLATE": {"E": ""}}


def test_both_syntaxes_read_the_same() -> None:
    plain = text.read('A="1"\nNIC=[B="2"]\nNIC=[B="3"]')
    assert plain == text.read("<T><A>1</A><NIC><B>2</B></NIC><nic><b>3</b></nic></T>")


@pytest.mark.parametrize("sent", ['A="', "<T>", "<T><A></T>", "= 1", '<!DOCTYPE a [<!ENTITY x "y">]><T><A>&x;'])
def test_broken_text_is_an_internal_error(sent: str) -> None:
    with pytest.raises(OneError) as error:
        text.read(sent)
    assert error.value.code == ErrorCode.INTERNAL


@pytest.mark.parametrize(
    "sent",
    ['<!DOCTYPE a [<!ENTITY x "secret">]><T><A>&x;</A></T>', '<T xmlns="urn:x"><A>1</A></T>', "<T><ŉ>1</ŉ></T>"],
)
def test_documents_that_no_template_is_are_refused(sent: str) -> None:
    with pytest.raises(OneError, match="Parse error"):
        text.read(sent)


def test_a_template_has_a_longest_length() -> None:
    with pytest.raises(OneError, match="longer than"):
        text.read(f'A="{"x" * text.MAX_TEMPLATE}"')
