"""Instantiation: every declared input gets a value, roles are named, or nothing is sent."""

import pytest

from opennebula_provider.errors import ProviderError
from opennebula_provider.instantiate import merge_template

BODY = {
    "user_inputs": {"NAME": "M|text|Name", "LEVEL": "O|text|Level||INFO", "NOTE": "O|text|Note"},
    "roles": [
        {"name": "a", "type": "vm", "user_inputs": {"SIZE": "M|number|Size||3"}},
        {"name": "b", "type": "vm"},
        {"name": "r", "type": "vr", "user_inputs": {}},
    ],
}


def test_everything_that_the_platform_wants() -> None:
    inputs = {
        "name": "s",
        "roles": [{"name": "b", "cardinality": 2}],
        "userInputsValues": {"NAME": "x", "EXTRA": "y"},
        "cooldown": 5,
    }
    assert merge_template(inputs, BODY, "m urn") == {
        "name": "s",
        "pulumi_mark": "m urn",
        "user_inputs_values": {"NAME": "x", "EXTRA": "y", "LEVEL": "INFO", "NOTE": ""},
        "roles": [
            {"name": "a", "cooldown": 5, "user_inputs_values": {"SIZE": "3"}},
            {"name": "b", "cardinality": 2, "cooldown": 5},
            {"name": "r"},
        ],
    }


def test_nothing_to_say_is_nothing_said() -> None:
    assert merge_template({"name": "s"}, {"roles": [{"name": "a"}]}, None) == {"name": "s"}


def test_all_that_is_missing_is_said_at_once() -> None:
    inputs = {"name": "s", "roles": [{"name": "c"}]}
    with pytest.raises(ProviderError) as caught:
        merge_template(inputs, BODY, None)
    text = str(caught.value)
    assert "roles[0].name: 'c' is no role of the template (a, b, r)" in text
    assert "userInputsValues.NAME: is missing; the template declares it as 'M|text|Name'" in text
