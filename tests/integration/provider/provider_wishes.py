"""What programs may wish for: for each resource a strategy of good inputs, and the things that these refer to."""

import itertools
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from provider_cloud import TestCloud

_COUNTER = itertools.count()
KEYS = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,5}", fullmatch=True)
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn", "Co"]) | st.sampled_from("\n\t"))
WORDS = st.text(st.characters(codec="utf-8", categories=["L", "N"]), min_size=1, max_size=8)
NUMBERS = st.integers(-(1 << 31), 1 << 31)
EXPRESSIONS = st.sampled_from(["CPU > 80", "LOAD > 1 & LOAD < 9", "!(BUSY = 1)"])
PERMISSIONS = st.sampled_from(["600", "640", "644", "660"])

Wish = st.SearchStrategy[dict[str, Any]]


@dataclass(frozen=True)
class Ground:
    """Ids of what every cloud of these tests has."""

    image: int
    network: int
    machine: int
    template: int
    group: int
    path: str


def lay_ground(cloud: TestCloud, path: str) -> Ground:
    """Makes it, by hand."""
    group = cloud.call("group.allocate", "lab")
    image = cloud.call("image.allocate", f'NAME="base"\nPATH="{path}"', 1)
    network = cloud.call("vn.allocate", 'NAME="base"\nVN_MAD="dummy"\nAR=[TYPE="IP4",IPAM_MAD="local",SIZE="64"]', -1)
    machine = cloud.call("template.allocate", 'NAME="base"\nCPU="0.1"\nMEMORY="32"')
    roles = [
        {"name": name, "type": "vm", "template_id": machine, "cardinality": 1, "min_vms": 0, "max_vms": 4}
        for name in ("head", "worker")
    ]
    reply = cloud.flow("POST", "service_template", {"name": "base", "roles": roles})
    return Ground(image, network, machine, int(reply.json()["DOCUMENT"]["ID"]), group, path)


def wish(kind: str, ground: Ground) -> Wish:
    """Inputs of a resource of that kind."""
    return _WISHES[kind](ground)


def named() -> st.SearchStrategy[str]:
    """A name that nothing else has."""
    return st.builds(lambda word: f"{word} {next(_COUNTER)}", WORDS)


def maps(keys: st.SearchStrategy[str] = KEYS, values: st.SearchStrategy[Any] = TEXTS) -> st.SearchStrategy[Any]:
    """A small map; keys differ in more than their case, because the platform stores capitals."""
    return st.lists(st.tuples(keys, values), max_size=3, unique_by=lambda pair: pair[0].upper()).map(dict)


def _free() -> st.SearchStrategy[Any]:
    return maps(KEYS.map(lambda key: f"X_{key}"))


def _owned(required: dict[str, Any], optional: dict[str, Any]) -> Wish:
    labels = st.lists(WORDS, max_size=3, unique=True)
    common = {"group": st.sampled_from(["lab", "users", "1"]), "permissions": PERMISSIONS, "labels": labels}
    return st.fixed_dictionaries({"name": named(), **required}, optional={"mark": st.just("m"), **common, **optional})


def _images(ground: Ground) -> Wish:
    further = {
        **{"persistent": st.booleans(), "description": TEXTS, "devPrefix": st.sampled_from(["vd", "sd"])},
        **{"driver": WORDS, "attributes": _free(), "type": st.sampled_from(["OS", "CDROM", "DATABLOCK"])},
    }
    block = _owned({"sizeMb": st.integers(1, 9)}, {**further, "type": st.sampled_from(["OS", "DATABLOCK"])})
    return st.one_of(
        _owned({"path": st.just(ground.path)}, further), _owned({"cloneFrom": st.just(ground.image)}, further), block
    )


@st.composite
def _networks(draw: st.DrawFn, _ground: Ground) -> dict[str, Any]:
    blocks = draw(st.lists(st.integers(0, 9), max_size=4, unique=True))
    sizes = st.integers(1, 8)
    ranges = [{"ip": f"10.0.{block}.1", "size": draw(sizes)} for block in blocks]
    ranges += draw(st.lists(st.fixed_dictionaries({"type": st.just("ETHER"), "size": sizes}), max_size=2))
    holds = draw(
        st.none() | st.lists(st.sampled_from([one["ip"] for one in ranges if "ip" in one] or [""]), unique=True)
    )
    texts = dict.fromkeys(("dns", "gateway", "searchDomain", "networkMask"), WORDS)
    wanted = draw(
        _owned(
            {},
            {
                **texts,
                **{"mtu": st.integers(68, 9000), "description": TEXTS, "attributes": _free()},
                "securityGroups": st.lists(st.just(0), max_size=1),
            },
        )
    )
    if ranges:
        wanted["addressRanges"] = draw(st.permutations(ranges))
    return wanted if holds is None or "" in holds else {**wanted, "heldLeases": holds}


def _security_groups(ground: Ground) -> Wish:
    ways = {"direction": st.sampled_from(["INBOUND", "OUTBOUND"])}
    block = st.fixed_dictionaries({"ip": st.just("10.0.0.1"), "size": st.integers(1, 9)})
    target = st.one_of(st.just({}), block, st.just({"networkId": ground.network}))
    ports = st.fixed_dictionaries(
        {**ways, "protocol": st.sampled_from(["TCP", "UDP"])}, optional={"ports": st.sampled_from(["22", "80:90,443"])}
    )
    icmp = st.fixed_dictionaries({**ways, "protocol": st.just("ICMP")}, optional={"icmpType": st.integers(0, 255)})
    plain = st.fixed_dictionaries({**ways, "protocol": st.sampled_from(["ALL", "ICMPV6", "IPSEC"])})
    rules = st.builds(lambda rule, where: {**rule, **where}, st.one_of(ports, icmp, plain), target)
    return _owned({}, {"description": TEXTS, "rules": st.lists(rules, max_size=4), "attributes": _free()})


def _machine_templates(ground: Ground) -> Wish:
    disk = st.fixed_dictionaries(
        {"imageId": st.just(ground.image)},
        optional={"sizeMb": st.integers(1, 99), "target": st.sampled_from(["vda", "vdb"]), "attributes": _free()},
    )
    nic = st.fixed_dictionaries(
        {"networkId": st.just(ground.network)},
        optional={"model": WORDS, "securityGroups": st.lists(st.integers(0, 3), unique=True), "attributes": _free()},
    )
    flags = st.fixed_dictionaries({}, optional={"acpi": st.booleans(), "guestAgent": st.booleans()})
    console = st.fixed_dictionaries(
        {"type": st.sampled_from(["VNC", "SPICE"])}, optional={"port": st.integers(1, 9999)}
    )
    values = st.one_of(TEXTS.filter(bool), NUMBERS, st.booleans(), maps(values=WORDS).filter(bool))
    lists = st.lists(maps(values=WORDS).filter(bool), min_size=2, max_size=3)
    return _owned(
        {"cpu": st.sampled_from([0.1, 0.25, 1, 2.5]), "memoryMb": st.integers(1, 4096)},
        {
            **{"vcpu": st.integers(1, 8), "disks": st.lists(disk, max_size=3), "nics": st.lists(nic, max_size=3)},
            **{"context": maps(), "features": flags, "graphics": console, "userInputs": maps(values=WORDS)},
            **{"os": st.fixed_dictionaries({"boot": st.just("disk0,nic0")}), "description": TEXTS},
            **{"schedRequirements": TEXTS, "logo": WORDS, "attributes": maps(KEYS.map("X_{}".format), values | lists)},
        },
    )


def _machines(ground: Ground) -> Wish:
    return _owned(
        {"templateId": st.just(ground.machine), "hardShutdown": st.booleans()},
        {
            **{"cpu": st.sampled_from([0.1, 0.25]), "vcpu": st.integers(1, 4), "memoryMb": st.integers(16, 64)},
            **{"powerState": st.sampled_from(["on", "off"]), "description": TEXTS, "attributes": _free()},
        },
    )


def _policies() -> dict[str, Any]:
    types = {"type": st.sampled_from(["CHANGE", "CARDINALITY", "PERCENTAGE_CHANGE"]), "adjust": st.integers(-3, 3)}
    numbers = {name: st.integers(1, 9) for name in ("minAdjustStep", "periodNumber", "cooldown")}
    elastic = st.fixed_dictionaries({**types, "expression": EXPRESSIONS, "period": st.just(9000)}, optional=numbers)
    timed = st.fixed_dictionaries(
        {**types, "startTime": st.just("4102444800")}, optional={"minAdjustStep": st.integers(1, 9)}
    )
    return {"elasticityPolicies": st.lists(elastic, max_size=2), "scheduledPolicies": st.lists(timed, max_size=2)}


def _bounded(entry: dict[str, Any]) -> dict[str, Any]:
    """Bounds that the number fits."""
    low, high = sorted((entry["minVms"], entry["maxVms"]))
    number = {"cardinality": min(max(entry["cardinality"], low), high)} if "cardinality" in entry else {}
    return {**entry, "minVms": low, "maxVms": high, **number}


def _service_templates(ground: Ground) -> Wish:
    bounds = {"minVms": st.integers(0, 2), "maxVms": st.integers(2, 5), "cardinality": st.integers(0, 5)}
    optional = {
        **{"cooldown": st.integers(0, 99), "onHold": st.booleans(), "templateContents": maps(), **_policies()},
        **{"shutdownAction": st.sampled_from(["terminate", "terminate-hard"]), "userInputs": maps(values=WORDS)},
        "attributes": maps(KEYS.map("x_{}".format), NUMBERS | TEXTS),
    }
    base = {"name": st.builds(lambda: f"r{next(_COUNTER)}"), "templateId": st.just(ground.machine), **bounds}
    role = st.fixed_dictionaries(base, optional=optional).map(_bounded)
    return _owned(
        {"roles": st.lists(role, max_size=3)},
        {
            **{"description": TEXTS, "deployment": st.sampled_from(["none", "straight"]), "onHold": st.booleans()},
            **{"readyStatusGate": st.booleans(), "automaticDeletion": st.booleans(), "userInputs": maps(values=WORDS)},
            **{"networks": maps(values=st.just("M|network|text||id:0"))},
            "attributes": maps(KEYS.map("x_{}".format), NUMBERS | st.booleans() | TEXTS),
        },
    )


def _services(ground: Ground) -> Wish:
    bounds = {"minVms": st.integers(0, 1), "maxVms": st.integers(1, 3), "cardinality": st.integers(0, 2)}
    worker = st.fixed_dictionaries(
        {"name": st.just("worker"), **bounds}, optional={"cooldown": st.just(0), **_policies()}
    )
    head = st.fixed_dictionaries({"name": st.just("head")}, optional={"cardinality": st.integers(0, 2)})
    roles = st.tuples(head, worker.map(_bounded)).flatmap(st.permutations)
    fixed = {"serviceTemplateId": st.just(ground.template), "cooldown": st.just(0), "readyDeadline": st.just(20)}
    return _owned({**fixed, "roles": roles}, {"triggers": st.just({"a": "b"})})


_WISHES = {
    **{"Image": _images, "VirtualNetwork": _networks, "SecurityGroup": _security_groups},
    **{"VirtualMachineTemplate": _machine_templates, "VirtualMachine": _machines},
    **{"ServiceTemplate": _service_templates, "Service": _services},
}
KINDS = tuple(_WISHES)
