"""CONTEXT of a VM."""

from __future__ import annotations

from fedstack.localcloud.vm import context


def lookup(name: str, member: str | None) -> str:
    """Knows two things."""
    return {("NAME", None): "vm", ("USER", "KEY"): "ssh-rsa"}.get((name, member), "")


def completed(given: dict[str, str]) -> dict[str, str]:
    """With one NIC."""
    nics = [({"IP": "10.0.0.5", "MAC": "02:00:0a:00:00:05"}, {"GATEWAY": "10.0.0.1"})]
    return context.complete(given, nics, vm_id=3, disk_id=1, gate_url="http://gate", lookup=lookup)


def test_expressions() -> None:
    assert context.expand("a $NAME $USER[KEY] $NOTHING $user[ key ] $", lookup) == "a vm ssh-rsa  ssh-rsa $"


def test_network_values_come_with_network() -> None:
    found = completed({"NETWORK": "YES"})
    assert (found["ETH0_IP"], found["ETH0_GATEWAY"], found["ETH0_DNS"]) == ("10.0.0.5", "10.0.0.1", "")
    assert not any(key.startswith("ETH") for key in completed({"NETWORK": "NO"}))


def test_onegate_values_come_with_a_token() -> None:
    found = completed({"TOKEN": "YES"})
    assert (found["ONEGATE_ENDPOINT"], found["VMID"]) == ("http://gate", "3")
    assert "VMID" not in completed({})


def test_users_may_set_network_values_themselves() -> None:
    assert completed({"NETWORK": "YES", "ETH0_DNS": "1.1.1.1"})["ETH0_DNS"] == "1.1.1.1"
