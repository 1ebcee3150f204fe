"""The network of a cluster: an existing one, or one of the stack's own."""

from typing import Literal

import pulumi
import pulumi_opennebula as one
from pulumi.output import UNKNOWN
from pydantic import Field

from components.errors import shown
from components.fields import Count, Group, Positive


class AddressRange(Group):
    """Addresses of a network; without `ip` the platform (or the IPAM driver) chooses them."""

    type: Literal["IP4"] = Field(default="IP4", description="Kind of addresses")
    size: Positive = Field(description="Number of addresses; one for each VM")
    ip: str | None = Field(default=None, description="First address (unset: the platform or the IPAM driver chooses)")
    mac: str | None = Field(default=None, description="First hardware address (unset: derived from the IP address)")
    ipam: str | None = Field(
        default=None, description="IPAM driver; `local` takes addresses from the local cloud's own block"
    )


class Network(Group):
    """The network of the VMs: an existing one by id or by name, or one of the stack's own."""

    id: Count | None = Field(default=None, description="An existing network instead of one of the stack's own")
    name: str | None = Field(default=None, description="The same by its name, of which the user must see exactly one")
    vn_mad: str = Field(default="dummy", description="Driver of a new network")
    bridge: str | None = Field(default=None, description="Bridge of a new network")
    address_ranges: tuple[AddressRange, ...] = (AddressRange(size=64, ipam="local"),)


def problems(network: Network) -> list[str]:
    """An existing network is named in one way."""
    if network.name == "":
        return ['network.name: expected the name of an existing network, got ""']
    if network.name is not None and network.id is not None:
        return [f"network.name: expected no name beside network.id ({network.id}), got {shown(network.name)}"]
    return []


def network_id(
    name: str, settings: Network, mark: pulumi.Input[str], opts: pulumi.ResourceOptions
) -> pulumi.Input[int]:
    """The id of the network that the settings name; a VirtualNetwork `name` is declared when they name none."""
    if settings.id is not None:
        return settings.id
    if settings.name is not None:
        return _found(settings.name, opts)
    network = one.VirtualNetwork(
        name,
        name=name,
        vn_mad=settings.vn_mad,
        bridge=settings.bridge,
        address_ranges=[_range(each) for each in settings.address_ranges],
        mark=mark,
        opts=opts,
    )
    return network.network_id


def _found(name: str, opts: pulumi.ResourceOptions) -> pulumi.Output[int]:
    """The id of the network of that name, which exists already.

    It is unknown in the preview of a stack that makes the provider's settings itself: there the engine answers with
    nothing at all.
    """
    found = one.get_virtual_network_output(name=name, opts=pulumi.InvokeOutputOptions(parent=opts.parent))
    return found.apply(lambda network: UNKNOWN if network.network_id is None else network.network_id)


def _range(addresses: AddressRange) -> one.AddressRangeArgs:
    return one.AddressRangeArgs(**addresses.model_dump(exclude_none=True))


def identity(settings: Network, number: pulumi.Input[int]) -> pulumi.Input[str]:
    """What a running VM depends on: another network means other VMs; more addresses do not.

    A network by name is the network that was found (`number`): naming it by id instead changes nothing.
    """
    if settings.id is not None:
        return f"id {settings.id}"
    if settings.name is not None:
        return pulumi.Output.from_input(number).apply(lambda known: f"id {known}")
    return f"own, {settings.vn_mad}"
