"""The network of a cluster: an existing one, or one of the stack's own."""

import pulumi
import pulumi_opennebula as one

from components.settings import AddressRange, Network


def network_id(
    name: str, settings: Network, mark: pulumi.Input[str], opts: pulumi.ResourceOptions
) -> pulumi.Input[int]:
    """The id of the network that the settings name; a VirtualNetwork `name` is declared when they name none."""
    if settings.id is not None:
        return settings.id
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


def _range(addresses: AddressRange) -> one.AddressRangeArgs:
    return one.AddressRangeArgs(**addresses.model_dump(exclude_none=True))


def identity(settings: Network) -> str:
    """What a running VM depends on: another network means other VMs; more addresses do not."""
    return f"id {settings.id}" if settings.id is not None else f"own, {settings.vn_mad}"
