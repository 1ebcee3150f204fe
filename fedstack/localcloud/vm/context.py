"""CONTEXT of a VM: `$` expressions expanded, network and OneGate values added (reference 2.10, 7.2)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from fedstack.localcloud.core.text import truth

_EXPRESSION = re.compile(r"\$(?P<name>[A-Za-z_]\w*)(?:\[(?P<inside>[^\]]*)\])?")

Lookup = Callable[[str, str | None], str]
"""(name, member or None) -> text, empty when there is none: `$NAME`, `$USER[SSH_PUBLIC_KEY]`."""

_FROM_NETWORK = {
    "DNS": "DNS",
    "GATEWAY": "GATEWAY",
    "IP6_GATEWAY": "GATEWAY6",
    "IP6_METHOD": "IP6_METHOD",
    "IP6_METRIC": "IP6_METRIC",
    "IP6_PREFIX_LENGTH": "PREFIX_LENGTH",
    "MASK": "NETWORK_MASK",
    "METHOD": "METHOD",
    "METRIC": "METRIC",
    "MTU": "GUEST_MTU",
    "NETWORK": "NETWORK_ADDRESS",
    "ROUTES": "ROUTES",
    "SEARCH_DOMAIN": "SEARCH_DOMAIN",
    "VLAN_ID": "VLAN_ID",
    "VROUTER_IP": "VROUTER_IP",
    "VROUTER_IP6": "VROUTER_IP6",
    "VROUTER_MANAGEMENT": "VROUTER_MANAGEMENT",
}
_FROM_NIC = {"EXTERNAL": "EXTERNAL", "IP": "IP", "IP6": "IP6_GLOBAL", "IP6_ULA": "IP6_ULA", "MAC": "MAC"}


def expand(text: str, lookup: Lookup) -> str:
    """Replaces `$NAME` and `$NAME[MEMBER]`; what nobody knows becomes empty."""
    if "$" not in text:
        return text
    return _EXPRESSION.sub(lambda found: lookup(found["name"].upper(), _member(found["inside"])), text)


def _member(inside: str | None) -> str | None:
    return None if inside is None else inside.split(",")[0].strip().upper()


def complete(
    given: Mapping[str, str],
    nics: Sequence[tuple[Mapping[str, str], Mapping[str, str]]],
    *,
    vm_id: int,
    disk_id: int,
    gate_url: str,
    lookup: Lookup,
) -> dict[str, str]:
    """The CONTEXT that a guest gets. `nics`: each NIC with its network's template; `disk_id`: of the context disk."""
    values = {key: expand(text, lookup) for key, text in given.items()}
    if truth(values.get("NETWORK", "")):
        for number, (vector, network) in enumerate(nics):
            values = {**interface(number, vector, network), **values}
    if truth(values.get("TOKEN", "")):
        values |= {"ONEGATE_ENDPOINT": gate_url, "VMID": str(vm_id)}
    return dict(sorted({**values, "DISK_ID": str(disk_id), "TARGET": "hda"}.items()))


def interface(number: int, vector: Mapping[str, str], network: Mapping[str, str]) -> dict[str, str]:
    """ETH<n>_* of one NIC: every key is there, empty when unset."""
    from_network = {f"ETH{number}_{key}": network.get(source, "") for key, source in _FROM_NETWORK.items()}
    from_nic = {f"ETH{number}_{key}": vector.get(source, "") for key, source in _FROM_NIC.items()}
    return {**from_network, **from_nic}
