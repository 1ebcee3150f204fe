"""Properties of the provider's resources as the bodies that rules judge, and paths back."""

import re
from collections.abc import Mapping
from typing import Any

from fedstack.oneflow.names import camel_path, from_camel
from fedstack.oneflow.unknown import UNKNOWN
from fedstack.rules.reading import mapping
from fedstack.rules.rule import Place

_VM_KEYS = {
    **{"CPU": "cpu", "VCPU": "vcpu", "MEMORY": "memoryMb", "CONTEXT": "context"},
    **{"DISK": "disks", "NIC": "nics", "OS": "os"},
}
_PARTS = {
    "NIC": {"NETWORK_ID": "networkId", "MODEL": "model"},
    "DISK": {"IMAGE_ID": "imageId", "SIZE": "sizeMb"},
    "OS": {"ARCH": "arch", "BOOT": "boot", "MACHINE": "machine", "FIRMWARE": "firmware"},
}


def body(properties: Mapping[str, Any], place: Place) -> dict[str, Any]:
    """A service template's body, a VM template's attributes, or a stack as it is; what is unknown stays so."""
    if place is Place.STACK:
        return dict(properties)
    return from_camel(properties) if place is Place.SERVICE_TEMPLATE else _vm(properties)


_NUMBERS = {"ServiceTemplate": "serviceTemplateId", "VirtualMachineTemplate": "templateId"}
_NEEDS = {"disks": "DISK", "nics": "NIC"}


def resource(
    kind: str, name: str, properties: Mapping[str, Any], needs: Mapping[str, list[str]], protect: bool
) -> dict[str, Any]:
    """An entry of a stack (`fedstack.rules.stack`) for a resource; `needs` has the properties' own names."""
    if kind == "VirtualMachineTemplate":
        declared = _vm(properties)
    else:
        declared = from_camel(properties)
        if "serviceTemplateId" in properties:
            declared["service_template_id"] = properties["serviceTemplateId"]
    if kind in _NUMBERS:
        declared["id"] = properties.get(_NUMBERS[kind], UNKNOWN)
    wanted = {_NEEDS.get(key, key): names for key, names in needs.items()}
    return {"type": kind, "name": name, "body": declared, "needs": wanted, "protect": protect}


def path(path: str, place: Place) -> str:
    """The property path of a path in what `body` returned."""
    if place is Place.STACK:
        return path
    return camel_path(path) if place is Place.SERVICE_TEMPLATE else _vm_path(path)


def _vm(properties: Mapping[str, Any]) -> dict[str, Any]:
    attributes = dict(mapping(properties.get("attributes")))
    for key, name in _VM_KEYS.items():
        value = properties.get(name)
        if value is not None:
            attributes[key] = _vectors(value, _PARTS[key]) if key in _PARTS else value
    return attributes


def _vectors(listed: Any, keys: Mapping[str, str]) -> Any:
    if isinstance(listed, Mapping):
        return _vector(listed, keys)
    if not isinstance(listed, list | tuple):
        return listed
    return [_vector(each, keys) if isinstance(each, Mapping) else each for each in listed]


def _vector(each: Mapping[str, Any], keys: Mapping[str, str]) -> dict[str, Any]:
    own = {key: each[name] for key, name in keys.items() if each.get(name) is not None}
    return {**mapping(each.get("attributes")), **own}


def _vm_path(path: str) -> str:
    """`NIC[0].NETWORK_ID` gives `nics[0].networkId`, `TOPOLOGY.CORES` gives `attributes.TOPOLOGY.CORES`."""
    head, dot, rest = path.partition(".")
    match = re.fullmatch(r"([^\[]*)(.*)", head, re.DOTALL)
    name, index = match.groups() if match else (head, "")
    if name not in _VM_KEYS:
        return f"attributes.{path}" if path else path
    inner = _PARTS.get(name, {}).get(rest, rest)
    return f"{_VM_KEYS[name]}{index}{dot}{inner}"
