"""The network of a cluster: an existing one, or one of the stack's own."""

import pulumi
import pulumi_opennebula as one
from pulumi.output import UNKNOWN

from components.settings import AddressRange, Network


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
