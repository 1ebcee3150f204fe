"""Address ranges and held addresses of a network: what they are, which belong together, and how they are changed.

Ranges have no names. A declared one is the one on the platform that agrees in every address that the declaration gives
(type, first addresses, prefixes, address manager); of several, one of the same size comes first. Their order means
nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fedstack.opennebula.template import to_text

from ..attributes import encode, seen
from ..diffs import matched
from ..resource import Call
from ..rpc import Tree, each, section
from ..shape import Field, ListOf, Shape
from ..values import Properties

IDENTITY = ("type", "ip", "mac", "ip6", "globalPrefix", "ulaPrefix", "ipam")
"""The members that a range keeps for life."""

ADDRESS_RANGE = Shape(
    "AddressRange",
    "A block of consecutive addresses of a network. Its size changes in place; any other change makes another range.",
    {
        "type": Field(
            "string",
            "Kind of the addresses.",
            default="IP4",
            choices=("IP4", "IP6", "IP6_STATIC", "IP4_6", "IP4_6_STATIC", "ETHER"),
            attr="TYPE",
        ),
        "ip": Field("string", "First IPv4 address. Left to the address manager when absent.", attr="IP", kept=True),
        "mac": Field("string", "First MAC address. Derived by the platform when absent.", attr="MAC", kept=True),
        "size": Field("integer", "Number of addresses.", required=True, minimum=1, attr="SIZE"),
        "ip6": Field("string", "First IPv6 address; for the `STATIC` types.", attr="IP6", kept=True),
        "prefixLength": Field(
            "integer", "Length of the prefix of `ip6`.", minimum=1, maximum=128, attr="PREFIX_LENGTH", kept=True
        ),
        "globalPrefix": Field(
            "string", "Prefix of the global IPv6 addresses; for IP6 and IP4_6.", attr="GLOBAL_PREFIX", kept=True
        ),
        "ulaPrefix": Field(
            "string", "Prefix of the unique local IPv6 addresses; for IP6 and IP4_6.", attr="ULA_PREFIX", kept=True
        ),
        "ipam": Field("string", "Address manager (`IPAM_MAD`) that chooses the addresses.", attr="IPAM_MAD", kept=True),
    },
)
ASSIGNED_RANGE = Shape(
    "AssignedRange",
    "An address range as the platform holds it.",
    {
        "rangeId": Field("integer", "Id of the range within the network.", required=True),
        "type": Field("string", "Kind of the addresses.", required=True),
        "ip": Field("string", "First IPv4 address, empty without one.", required=True),
        "mac": Field("string", "First MAC address.", required=True),
        "size": Field("integer", "Number of addresses.", required=True),
    },
)
RANGES = Field(
    ListOf(ADDRESS_RANGE),
    "Address ranges, in any order. They are added, resized and removed in place, without touching the others. A range "
    "is known by the addresses that are declared for it (`type`, `ip`, `mac`, `ip6`, prefixes, `ipam`), never by its "
    "place in the list.",
    key=IDENTITY,
)
HELD = Field(
    ListOf("string"),
    "Addresses (IPv4, IPv6 or MAC) that no machine gets. They are held and released in place. The network keeps those "
    "that are on hold when absent; an empty list releases them.",
    key=(),
    kept=True,
)

_GENERATED = frozenset(
    {
        *("LEASES", "USED_LEASES", "ALLOCATED", "NEXT_INDEX", "SHARED", "PARENT_NETWORK_AR_ID"),
        *("MAC_END", "IP_END", "IP6_END", "IP6_ULA", "IP6_ULA_END", "IP6_GLOBAL", "IP6_GLOBAL_END"),
    }
)
"""Members of a range's document that no update may carry."""
_ON_HOLD = "-1"
"""The machine that holds a lease which is on hold."""


def ranges(tree: Tree) -> list[Tree]:
    """The address ranges of a network's document."""
    return each(section(tree, "AR_POOL"), "AR")


def assigned(one: Tree) -> Properties:
    """An address range as an `AssignedRange` of the schema."""
    texts = {name: one.get(key, "") for name, key in (("type", "TYPE"), ("ip", "IP"), ("mac", "MAC"))}
    numbers = (("rangeId", "AR_ID"), ("size", "SIZE"))
    return {**texts, **{name: int(one.get(key) or 0) for name, key in numbers}}


def seen_ranges(known: list[Properties], actual: list[Tree]) -> list[Properties]:
    """Declared ranges that are there, with their sizes; then those that nobody declared."""
    partners = partners_of(known, actual)
    kept = [{**one, "size": int(actual[at]["SIZE"])} for one, at in zip(known, partners, strict=True) if at is not None]
    return [*kept, *(_whole(one) for at, one in enumerate(actual) if at not in partners)]


def partners_of(known: list[Properties], actual: list[Tree]) -> list[int | None]:
    """For each declared range its place among those of the platform."""
    return matched(IDENTITY, [_comparable(_decoded(one)) for one in actual], [_comparable(one) for one in known])


def _decoded(one: Tree) -> Properties:
    return {name: value for name, value in seen(ADDRESS_RANGE.fields, {}, one).items() if value is not None}


def _whole(one: Tree) -> Properties:
    """A range of the platform as it would have to be written; a MAC address that comes from the IP is left out."""
    found = _decoded(one)
    return {name: value for name, value in found.items() if not (name == "mac" and "ip" in found)}


def _comparable(one: Properties) -> Properties:
    return {name: value.lower() if isinstance(value, str) else value for name, value in one.items()}


Lease = dict[str, str]


def held(tree: Tree) -> Iterator[tuple[Tree, Lease]]:
    """The leases on hold, each with its range."""
    for one in ranges(tree):
        for lease in each(section(one, "LEASES"), "LEASE"):
            if lease.get("VM") == _ON_HOLD:
                yield one, lease


def seen_held(known: list[str], tree: Tree) -> list[str]:
    """Declared addresses that are on hold; then those that nobody declared."""
    leases = [lease for _, lease in held(tree)]
    declared = [address for address in known if any(_is(lease, address) for lease in leases)]
    return [*declared, *(_address(lease) for lease in leases if not _listed(lease, known))]


def _address(lease: Lease) -> str:
    return lease.get("IP") or lease.get("IP6") or lease.get("MAC", "")


def _is(lease: Lease, address: str) -> bool:
    return address.lower() in {value.lower() for value in lease.values()}


def _listed(lease: Lease, addresses: Iterable[str]) -> bool:
    return any(_is(lease, address) for address in addresses)


def lease_text(address: str) -> str:
    """The lease of an address in template text; a MAC address has five colons, IPv4 none."""
    key = {0: "IP", 5: "MAC"}.get(address.count(":") if "::" not in address else -1, "IP6")
    return to_text({"LEASES": {key: address}})


async def converge(call: Call, tree: Tree) -> None:
    """Releases, removes, resizes, adds and holds, in this order: an address may move from one range to another."""
    wanted, actual = call.inputs.get("addressRanges", []), ranges(tree)
    partners = partners_of(wanted, actual)
    surplus = [one for at, one in enumerate(actual) if at not in partners]
    stay = await _release(call, tree, surplus)
    for one in surplus:
        await call.cloud.rpc.call("vn.rm_ar", call.number, int(one["AR_ID"]))
    for one, at in zip(wanted, partners, strict=True):
        if at is not None and int(actual[at]["SIZE"]) != one["size"]:
            await call.cloud.rpc.call("vn.update_ar", call.number, _resized(actual[at], one["size"]))
    for one, at in zip(wanted, partners, strict=True):
        if at is None:
            await call.cloud.rpc.call("vn.add_ar", call.number, range_text(one))
    for address in call.inputs.get("heldLeases", []):
        if not _listed_in(stay, address):
            await call.cloud.rpc.call("vn.hold", call.number, lease_text(address))


async def _release(call: Call, tree: Tree, surplus: list[Tree]) -> list[Lease]:
    """Releases what shall not be on hold, or is in a range that goes; returns the leases that stay on hold."""
    stay = []
    for one, lease in held(tree):
        if one not in surplus and _listed(lease, call.inputs.get("heldLeases", [_address(lease)])):
            stay.append(lease)
        else:
            await call.cloud.rpc.call("vn.release", call.number, lease_text(_address(lease)))
    return stay


def _listed_in(leases: list[Lease], address: str) -> bool:
    return any(_is(lease, address) for lease in leases)


def _resized(one: Tree, size: int) -> str:
    """The whole range with another size: the platform forgets what an update leaves out."""
    return to_text({"AR": {key: value for key, value in one.items() if key not in _GENERATED} | {"SIZE": str(size)}})


def range_text(one: Properties) -> str:
    """A declared range in template text."""
    return to_text({"AR": encode(ADDRESS_RANGE.fields, one)})
