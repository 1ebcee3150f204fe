"""Templates in the names of OpenNebula 6.x, converted as the platform converts them (reference 6.4)."""

from collections.abc import Mapping
from typing import Any

from fedstack.opennebula.template import TemplateSyntaxError, Value, parse

_SERVICE_NAMES = {"custom_attrs": "user_inputs", "custom_attrs_values": "user_inputs_values"}
_ROLE_NAMES = {"vm_template": "template_id", "custom_attrs": "user_inputs"}


def is_old_format(body: Mapping[str, Any]) -> bool:
    """Whether the platform converts the template: only when **every** role uses an old name."""
    roles = body.get("roles")
    if not isinstance(roles, list) or not all(isinstance(role, Mapping) for role in roles):
        return False
    return all("vm_template" in role or "vm_template_contents" in role for role in roles)


def convert(body: Mapping[str, Any]) -> dict[str, Any]:
    """The template in the names of 7.x; roles become type vm, a role's custom_attrs_values are lost.

    Contents that cannot be read stay under their old name, for validation to report.
    """
    converted = _renamed(body, _SERVICE_NAMES)
    converted["roles"] = [_role(role) for role in body["roles"]]
    return converted


def _role(role: Mapping[str, Any]) -> dict[str, Any]:
    converted = _renamed(role, _ROLE_NAMES)
    converted["type"] = "vm"
    converted.pop("custom_attrs_values", None)
    contents = converted.get("vm_template_contents")
    if isinstance(contents, str):
        try:
            converted["template_contents"] = _contents(contents)
        except TemplateSyntaxError:
            return converted
        del converted["vm_template_contents"]
    return converted


def _contents(text: str) -> dict[str, Any]:
    """Template text as an object: vectors become lists of objects, repeated scalars lists."""
    return {key: _listed(value) for key, value in parse(text).items()}


def _listed(value: Value | list[Value]) -> Any:
    return [value] if isinstance(value, dict) else value


def _renamed(values: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {names.get(key, key): value for key, value in values.items()}
