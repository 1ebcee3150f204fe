"""Every variable that a user may set has one typed key, and its type is the registry's."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from components import variables
from components.fields import Sets
from components.settings import Settings, read_settings
from fedstack.context import VARIABLES, Level, Variable, named
from fedstack.context.forms import InputType

SETTABLE = {row.name: row for row in reversed(VARIABLES) if row.level is not Level.CONTEXT}
GOOD = {
    InputType.NUMBER: "5000",
    InputType.FLOAT: "0.25",
    InputType.BOOLEAN: "YES",
}
TEXTS = {
    "FLOWER_VERSION": "1.31.0",
    "FL_SUPERLINK_ADDRESS": "10.0.0.1:9092",
    "FL_FLEET_API_ADDRESS": "0.0.0.0:9092",
    "FL_CONTROL_API_ADDRESS": "0.0.0.0:9093",
    "FL_DATABASE": "state/other.db",
    "FL_CERT_EXTRA_SAN": "IP:10.0.0.1",
    "FL_NODE_CONFIG": "partition-id=0",
    "FL_CUDA_VISIBLE_DEVICES": "0,1",
    "FL_CHECKPOINT_PATH": "/app/other",
    "FL_SSL_CA_CERTFILE": "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCg==",
    "FL_SSL_CERTFILE": "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCg==",
    "FL_SSL_KEYFILE": "LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0tCg==",
    "FL_ONEGATE_CA": "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCg==",
}


def marked(model: type[BaseModel] = Settings) -> Iterator[tuple[str, Any]]:
    """The variable and the annotation of every field that sets one."""
    for field in model.model_fields.values():
        marks = [mark for mark in field.metadata if isinstance(mark, Sets)]
        if marks:
            yield marks[0].variable, field.annotation
        elif isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from marked(field.annotation)


def good(row: Variable) -> str:
    """A value of the row that is not its default."""
    options = [option for option in row.form.options if option != row.default]
    return TEXTS.get(row.name) or (options[0] if options else GOOD[row.form.type])


def nested(path: str, value: Any) -> dict[str, Any]:
    """`{"a": {"b": value}}` for `a.b`."""
    head, _, rest = path.partition(".")
    return {head: nested(rest, value) if rest else value}


def test_each_variable_has_exactly_one_key() -> None:
    names = [name for name, _ in marked()]
    assert sorted(names) == sorted(SETTABLE), "no variable without a key, no key without a variable, none twice"
    assert sorted(variables.paths(Settings())) == sorted(SETTABLE)


@pytest.mark.parametrize(("name", "annotation"), list(marked()))
def test_the_type_of_a_key_is_that_of_the_registry(name: str, annotation: Any) -> None:
    kind = get_args(annotation)[0]
    form = SETTABLE[name].form
    if form.type is InputType.LIST:
        assert issubclass(kind, StrEnum)
        assert tuple(kind) == form.options
    else:
        kinds = {InputType.NUMBER: int, InputType.FLOAT: float, InputType.BOOLEAN: bool}
        assert kind is kinds.get(form.type, str)


@pytest.mark.parametrize("name", SETTABLE)
def test_a_good_value_arrives_and_a_bad_one_is_refused_by_its_key(name: str) -> None:
    path, row = variables.paths(Settings())[name], SETTABLE[name]
    read = Settings.model_validate(nested(path, good(row)), by_alias=True, by_name=False)
    assert variables.values(read) == {name: good(row)}
    if not row.form.accepts("?"):
        with pytest.raises(Exception, match=f"{path}: expected {row.form.expected[:20]}"):
            read_settings(nested(path, "?"))


def test_rows_of_both_appliances_agree_so_that_one_key_serves_both() -> None:
    def facts(row: Variable) -> tuple[Any, ...]:
        return row.form.type, row.form.expected, row.form.options, row.default, row.scope, row.level

    assert all(len({facts(row) for row in named(name)}) == 1 for name in SETTABLE)
