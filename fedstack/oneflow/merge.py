"""What instantiation makes of a template and a merge template (reference 6.8, steps 1 to 5)."""

import json
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

_NETWORK_SOURCES = ("id", "template_id", "reserve_from")


class MergeError(ValueError):
    """Inputs that the platform refuses before it validates the merged body; `status` is the HTTP status."""

    status = 400


def merge(body: Mapping[str, Any], merge_template: Mapping[str, Any] | None) -> dict[str, Any]:
    """The body of the new service; validate it with `normalise` afterwards (a failure there is HTTP 500).

    Neither argument is changed. Raises MergeError when inputs or networks are incomplete.
    """
    extra = _current_names(merge_template or {})
    _check_service_inputs(body, extra)
    _check_role_inputs(body, extra)
    networks = _network_values(body, extra)
    merged = deepcopy(dict(body))
    if networks:
        merged["networks_values"] = _merge_networks(body.get("networks_values"), networks)
    if isinstance(extra.get("roles"), list):
        merged["roles"] = _merge_roles(merged.get("roles"), extra["roles"])
    rest = {key: value for key, value in extra.items() if key not in ("roles", "networks_values")}
    return deep_merge(merged, rest)


def _current_names(merge_template: Mapping[str, Any]) -> dict[str, Any]:
    """`custom_attrs_values` become `user_inputs_values`, in the service and in its roles."""
    extra = _rename_values(merge_template)
    if isinstance(extra.get("roles"), list):
        extra["roles"] = [_rename_values(role) for role in extra["roles"] if isinstance(role, Mapping)]
    return extra


def _rename_values(values: Mapping[str, Any]) -> dict[str, Any]:
    return {("user_inputs_values" if key == "custom_attrs_values" else key): values[key] for key in values}


def _check_service_inputs(body: Mapping[str, Any], extra: Mapping[str, Any]) -> None:
    """Every declared input needs a value in the merge template; defaults are not applied."""
    missing = _missing_inputs(body, extra)
    if missing:
        raise MergeError(f"user_inputs_values lacks a value for the service inputs {', '.join(missing)}")


def _missing_inputs(declaring: Mapping[str, Any], giving: Mapping[str, Any]) -> list[str]:
    given = giving.get("user_inputs_values")
    given = given if isinstance(given, Mapping) else {}
    return [name for name in declaring.get("user_inputs") or {} if name not in given]


def _check_role_inputs(body: Mapping[str, Any], extra: Mapping[str, Any]) -> None:
    """One role with inputs demands a list of roles; a role listed there must give all of its inputs."""
    declaring = [role for role in body.get("roles") or [] if role.get("user_inputs") is not None]
    if not declaring:
        return
    given = extra.get("roles")
    if not isinstance(given, list) or not given:
        names = ", ".join(str(role.get("name")) for role in declaring)
        raise MergeError(f"roles is missing: the roles {names} have user_inputs")
    by_name = _by_name(given)
    for role in declaring:
        missing = _missing_inputs(role, by_name[role["name"]]) if role.get("name") in by_name else []
        if missing:
            raise MergeError(f"user_inputs_values of role {role['name']} lacks {', '.join(missing)}")


def _by_name(roles: list[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    return {name: role for role in roles if isinstance(name := role.get("name"), str) and name}


def _network_values(body: Mapping[str, Any], extra: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The networks_values in force for this merge: given, or read from the network strings."""
    networks = body.get("networks") or {}
    given = extra.get("networks_values")
    if given is not None and not isinstance(given, list):
        raise MergeError(f"networks_values must be an array of objects (got {given!r})")
    if given is None:
        return [{name: _network_default(name, text)} for name, text in networks.items()]
    values = [dict(entry) for entry in given if isinstance(entry, Mapping)]
    named = {name for entry in values for name, value in entry.items() if isinstance(value, Mapping)}
    missing = [name for name in networks if name not in named]
    if missing:
        raise MergeError(f"networks_values lacks the networks {', '.join(missing)}")
    return values


def _network_default(name: str, text: Any) -> dict[str, str]:
    """`M|network|text||id:0` gives `{"id": "0"}`."""
    fields = str(text).split("|")
    source, _, number = (fields[4] if len(fields) > 4 else "").partition(":")
    if source not in _NETWORK_SOURCES or not number:
        forms = ", ".join(f"{each}:N" for each in _NETWORK_SOURCES)
        raise MergeError(f"network {name} has no default value: its fifth field must be one of {forms} (got {text!r})")
    return {source: number}


def _merge_networks(stored: Any, given: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Entries of the same name are replaced, new ones appended."""
    names = {name for entry in given for name in entry}
    kept = [entry for entry in stored or [] if not names & set(entry)]
    return [*deepcopy(kept), *deepcopy(given)]


def _merge_roles(roles: Any, given: list[Mapping[str, Any]]) -> list[Any]:
    """Roles match by name; entries without a match are dropped, so that no role can be added."""
    by_name = _by_name(given)
    return [deep_merge(role, by_name.get(role.get("name"), {})) for role in roles or []]


def deep_merge(base: Mapping[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    """Objects recurse, arrays concatenate (lists of objects without duplicates), anything else overrides."""
    merged = dict(base)
    for key, value in extra.items():
        merged[key] = _merged_value(base.get(key), value)
    return merged


def _merged_value(base: Any, extra: Any) -> Any:
    if isinstance(base, Mapping) and isinstance(extra, Mapping):
        return deep_merge(base, extra)
    if isinstance(base, list) and isinstance(extra, list):
        return _concatenated(base, extra)
    return deepcopy(extra)


def _concatenated(base: list[Any], extra: list[Any]) -> list[Any]:
    joined = [*base, *deepcopy(extra)]
    if not all(isinstance(item, Mapping) for item in joined):
        return joined
    unique: dict[str, Any] = {}
    for item in joined:
        unique.setdefault(json.dumps(item, sort_keys=True), item)
    return list(unique.values())
