"""Addresses: never two VMs with one, however they come and go."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fedstack.localcloud.core import addresses, leases, networks
from fedstack.localcloud.core import ranges as address_ranges
from fedstack.localcloud.core.bootstrap import create_world
from fedstack.localcloud.core.objects import Caller
from fedstack.localcloud.site import Site
from fedstack.localcloud.store.database import Store
from fedstack.opennebula.errors import OneError

ADMIN = Caller(0, 0, "oneadmin", frozenset({0}))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A new cloud's store, without a cloud."""
    directory = tmp_path_factory.mktemp("store")
    made = Store(directory / "cloud.db", Site(Path(directory), "", "", "", 77))
    with made.begin() as tx:
        create_world(tx, "secret")
    yield made
    made.close()


def ranges(*sizes: int) -> list[dict[str, str]]:
    """Ranges of the cloud's own block."""
    return [{"TYPE": "IP4", "SIZE": str(size), "IPAM_MAD": "local"} for size in sizes]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.booleans(), st.integers(1, 6)), max_size=25))
def test_no_address_is_given_twice(store: Store, steps: list[tuple[bool, int]]) -> None:
    holders: dict[int, str] = {}
    with store.begin() as tx:
        name = f"n{tx.take_ids('test')}"
        network_id = networks.create(tx, ADMIN, {"NAME": name, "VN_MAD": "dummy", "AR": list(ranges(5, 8))}, [0])
        for take, count in steps:
            if not take and holders:
                vm_id = next(iter(holders))
                leases.give_back(tx, vm_id)
                del holders[vm_id]
                continue
            first = tx.take_ids("vm", count)
            vm_ids = list(range(first, first + count))
            if len(holders) + count > 13:
                with pytest.raises(OneError), tx.savepoint():
                    leases.take(tx, network_id, vm_ids)
                continue
            found = [lease.ip or "" for lease in leases.take(tx, network_id, vm_ids)]
            assert set(found).isdisjoint(holders.values())
            holders.update(zip(vm_ids, found, strict=True))
        assert len(set(holders.values())) == len(holders)
        assert sum(row.used for row in leases.ranges(tx, network_id)) == len(holders)
        for vm_id in holders:
            leases.give_back(tx, vm_id)
        networks.remove(tx, ADMIN, network_id)


def test_ranges_of_the_block_do_not_grow_into_each_other(store: Store) -> None:
    with store.begin() as tx:
        attributes = {"NAME": "grown", "VN_MAD": "dummy", "AR": list(ranges(4, 4))}
        network_id = networks.create(tx, ADMIN, attributes, [0])
        with pytest.raises(OneError, match="1 addresses behind the range are not free"):
            address_ranges.change(tx, network_id, {"AR_ID": "0", "SIZE": "5"})
        address_ranges.change(tx, network_id, {"AR_ID": "1", "SIZE": "9"})
        assert [row.size for row in leases.ranges(tx, network_id)] == [4, 9]
        networks.remove(tx, ADMIN, network_id)


@pytest.mark.parametrize(
    ("held", "size", "first", "found"),
    [
        ((), 10, None, range(10)),
        ((0, 4), 3, None, range(1, 4)),
        ((0, 4), 4, None, range(5, 9)),
        ((0, 4, 9), 5, None, None),
        ((4,), 2, 5, range(5, 7)),
        ((4,), 2, 3, None),
        ((), 2, 9, None),
    ],
)
def test_free_places_in_a_row(
    store: Store, held: tuple[int, ...], size: int, first: int | None, found: range | None
) -> None:
    with store.begin() as tx:
        network_id = networks.create(tx, ADMIN, {"NAME": "run", "VN_MAD": "dummy", "AR": list(ranges(10))}, [0])
        (row,) = leases.ranges(tx, network_id)
        for place in held:
            leases.take_place(tx, row, place)
        assert leases.free_run(tx, row, size, first) == found
        address_ranges.remove(tx, network_id, 0, force=True)
        networks.remove(tx, ADMIN, network_id)


def test_runs_of_the_block_do_not_overlap() -> None:
    base = addresses.ip_number("127.77.1.1")
    taken = [(base, 10), (base + 20, 5)]
    assert addresses.free_run(77, 10, taken) == base + 10
    assert addresses.free_run(77, 11, taken) == base + 25


def test_a_full_block_is_refused() -> None:
    with pytest.raises(OneError, match=r"127\.77\.0\.0/16"):
        addresses.free_run(77, 65536, [])


@pytest.mark.parametrize("text", ["", "1.2.3", "1.2.3.400", "x"])
def test_wrong_addresses(text: str) -> None:
    with pytest.raises(OneError):
        addresses.ip_number(text)
