"""Template text: what is read, what is written, what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedstack.opennebula import template

KEYS = st.from_regex(r"[A-Z][A-Z0-9_]{0,8}", fullmatch=True)
TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc"), include_characters="\n\t"), max_size=30)
VALUES = st.one_of(TEXTS, st.dictionaries(KEYS, TEXTS, min_size=1, max_size=4))


@given(st.dictionaries(KEYS, st.one_of(VALUES, st.lists(VALUES, min_size=2, max_size=3)), max_size=5))
def test_written_text_reads_back(attributes: template.Attributes) -> None:
    assert template.parse(template.to_text(attributes)) == attributes


def test_reads_vectors_comments_bare_words_and_repeats() -> None:
    text = 'name = vm # a comment\nNIC=[NETWORK_ID=1,\n  IP="127.0.0.1" ]\nNIC = [ NETWORK = "b c" ]\nEMPTY=\nCPU="0.5"'
    assert template.parse(text) == {
        "NAME": "vm",
        "NIC": [{"NETWORK_ID": "1", "IP": "127.0.0.1"}, {"NETWORK": "b c"}],
        "EMPTY": "",
        "CPU": "0.5",
    }


@pytest.mark.parametrize("text", ["NAME", "NIC=[A=1", 'A="open', "=1", "NIC=[A=1 B=2]", "A=b,c"])
def test_refuses_broken_text_with_the_line(text: str) -> None:
    with pytest.raises(template.TemplateSyntaxError, match="line 2"):
        template.parse("FIRST=ok\n" + text)


def test_append_replaces_every_value_of_a_name() -> None:
    base = template.parse("NIC=[A=1]\nNIC=[A=2]\nNOTE=x")
    assert template.append(base, template.parse("NIC=[A=3]")) == {"NIC": {"A": "3"}, "NOTE": "x"}
