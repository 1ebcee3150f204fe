"""Run-config values: from text to the type that the app declares, and to TOML."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedstack.training.app import App
from fedstack.training.errors import TrainingError
from fedstack.training.runconfig import for_app, parse_settings, typed
from fedstack.training.toml import Value, document

APP = App(Path("/app"), "digits", "1.0", {"num-server-rounds": 3, "strategy": "FedAvg", "rate": 0.1, "verbose": False})


def test_settings_are_split_at_the_first_equals_sign() -> None:
    assert parse_settings(["a=1", " b = x=y ", "a=2", "c="]) == {"a": "2", "b": "x=y", "c": ""}


@pytest.mark.parametrize("setting", ["rounds", "=5", " = 5", "", "a=\udcff"])
def test_a_setting_without_key_or_value_is_refused(setting: str) -> None:
    with pytest.raises(TrainingError, match="expected key=value") as caught:
        parse_settings([setting])
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("num-server-rounds", "5", 5),
        ("rate", "0.5", 0.5),
        ("rate", "1", 1.0),
        ("verbose", "true", True),
        ("strategy", "FedProx", "FedProx"),
        ("strategy", '"FedProx"', "FedProx"),
        ("strategy", "1e3", "1e3"),
        ("strategy", "x\ny = 1", "x\ny = 1"),
    ],
)
def test_values_take_the_type_of_the_apps_default(key: str, text: str, value: Value) -> None:
    result = typed(key, text, APP.defaults[key], "--set")
    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize(
    ("key", "text", "expected"),
    [
        ("num-server-rounds", "three", "--set: num-server-rounds=three: expected an integer, such as 3"),
        ("num-server-rounds", "1.5", "expected an integer"),
        ("num-server-rounds", "true", "expected an integer"),
        ("num-server-rounds", "[1]", "expected an integer"),
        ("rate", "fast", "expected a number, such as 0.1"),
        ("verbose", "yes", "expected true or false"),
    ],
)
def test_a_value_of_another_type_is_refused(key: str, text: str, expected: str) -> None:
    with pytest.raises(TrainingError) as caught:
        for_app(APP, {}, {key: text})
    assert expected in str(caught.value)
    assert caught.value.exit_code == 2


def test_settings_win_over_the_stack_and_the_stacks_unknown_keys_are_told() -> None:
    stack = {"strategy": "FedProx", "num-server-rounds": "4", "metrics-port": "9101"}
    assert for_app(APP, stack, {"num-server-rounds": "7"}) == (
        {"strategy": "FedProx", "num-server-rounds": 7},
        ["metrics-port"],
    )


def test_an_unknown_setting_is_refused_with_the_nearest_key() -> None:
    with pytest.raises(TrainingError, match=r"--set num-rounds=5: the app digits .* did you mean num-server-rounds\?"):
        for_app(APP, {}, {"num-rounds": "5"})
    with pytest.raises(TrainingError, match="expected one of num-server-rounds, rate, strategy, verbose"):
        for_app(APP, {}, {"zzz": "5"})


VALUES = st.one_of(
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.text(st.characters(exclude_categories=["Cs"])),
)


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), VALUES))
def test_what_is_written_is_what_toml_reads(values: dict[str, Value]) -> None:
    assert tomllib.loads(document(values)) == values
