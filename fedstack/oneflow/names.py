"""Names of bodies (snake_case) and of resource properties (camelCase); keys of the user's own maps stay as they are."""

import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from fedstack.oneflow.model import ElasticityPolicy, Role, ScheduledPolicy, ServiceTemplate

_LISTS: dict[str, type[BaseModel]] = {
    "roles": Role,
    "elasticity_policies": ElasticityPolicy,
    "scheduled_policies": ScheduledPolicy,
}
_SERVER_KEYS = frozenset({"registration_time"})


def camel(name: str) -> str:
    """`ready_status_gate` gives `readyStatusGate`."""
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)


def _table(model: type[BaseModel]) -> dict[str, str]:
    """The typed keys of a part of the template: snake_case to camelCase."""
    return {name: camel(name) for name in model.model_fields}


_SERVICE = _table(ServiceTemplate) | {name: camel(name) for name in _SERVER_KEYS}
_PATH_NAMES = {key: camel(key) for model in _LISTS.values() for key in model.model_fields} | _SERVICE


def to_camel(body: Mapping[str, Any]) -> dict[str, Any]:
    """Properties of a service template's body; its keys without a type are gathered under `attributes`.

    Absent values (null) are left out. `user_inputs`, `template_contents`, `networks` keep the user's keys.
    """
    known = {key: value for key, value in body.items() if key in _SERVICE}
    extra = {key: value for key, value in body.items() if key not in _SERVICE}
    properties = _renamed(known, _SERVICE, to_snake=False)
    return properties | {"attributes": extra} if extra else properties


def from_camel(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The body for the properties of a service template; `attributes` become keys of the body."""
    names = {camelled: name for name, camelled in _SERVICE.items()}
    typed = {key: value for key, value in properties.items() if key != "attributes"}
    extra = properties.get("attributes")
    body = _renamed(typed, names, to_snake=True)
    return {**extra, **body} if isinstance(extra, Mapping) else body


def _renamed(values: Mapping[str, Any], names: Mapping[str, str], *, to_snake: bool) -> dict[str, Any]:
    """Typed keys renamed, other keys kept, null left out; the lists of typed parts are renamed inside too."""
    renamed: dict[str, Any] = {}
    for key, value in values.items():
        if value is None:
            continue
        new = names.get(key, key)
        part = _LISTS.get(new if to_snake else key)
        renamed[new] = _parts(value, part, to_snake=to_snake) if part else value
    return renamed


def _parts(value: Any, model: type[BaseModel], *, to_snake: bool) -> Any:
    if not isinstance(value, list | tuple):
        return value
    table = _table(model)
    names = {camelled: name for name, camelled in table.items()} if to_snake else table
    return [_renamed(item, names, to_snake=to_snake) if isinstance(item, Mapping) else item for item in value]


def camel_path(path: str) -> str:
    """The property path of a body path: `roles[0].min_vms` gives `roles[0].minVms`; keys of the user's maps stay."""
    parts = path.split(".")
    for place, part in enumerate(parts):
        name, index = re.fullmatch(r"([^\[]*)(.*)", part, re.DOTALL).groups()  # type: ignore[union-attr]
        parts[place] = _PATH_NAMES.get(name, name) + index
        if name in ("user_inputs", "user_inputs_values", "template_contents", "networks", "networks_values"):
            break
    return ".".join(parts)
