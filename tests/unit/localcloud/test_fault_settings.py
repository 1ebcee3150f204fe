"""What a fault may be, and whom it concerns."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fedstack.localcloud.errors import OptionsError
from fedstack.localcloud.faults.model import ALWAYS, KINDS, Fault, FaultKind, values_of


def fault(**values: Any) -> Fault:
    """A fault that concerns any VM, unless `values` say otherwise."""
    everyone = Fault(0, FaultKind.BOOT_FAILURE, None, None, None, None, 0, 0.0, 1, 0)
    return replace(everyone, **values)


def test_every_kind_has_a_default() -> None:
    assert {kind: values_of({"kind": kind})["seconds"] for kind in KINDS} == {
        "boot-failure": 0.0,
        "slow-boot": 10.0,
        "never-ready": 0.0,
        "power-off": 0.0,
        "lost-monitoring": 10.0,
        "deploy-error": 0.0,
    }


def test_times() -> None:
    assert values_of({"kind": "slow-boot"})["left"] == 1
    assert values_of({"kind": "slow-boot", "times": 3})["left"] == 3
    assert values_of({"kind": "slow-boot", "times": 0})["left"] == ALWAYS


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        ({}, "kind is None, expected one of boot-failure, "),
        ({"kind": "explode"}, "kind is 'explode'"),
        ({"kind": ["slow-boot"]}, "kind is "),
        ({"kind": "slow-boot", "colour": 1}, "'colour' is none of its settings"),
        ({"kind": "slow-boot", "vm": -1}, "vm is -1, expected a whole number, 0 or more"),
        ({"kind": "slow-boot", "vm": True}, "vm is True"),
        ({"kind": "slow-boot", "nth": 0}, "nth is 0, expected a whole number, 1 or more"),
        ({"kind": "slow-boot", "times": 1.5}, "times is 1.5"),
        ({"kind": "slow-boot", "name": ""}, "name is ''"),
        ({"kind": "slow-boot", "role": "r" * 257}, "role is "),
        ({"kind": "slow-boot", "seconds": "1"}, "seconds is '1'"),
        ({"kind": "slow-boot", "seconds": float("nan")}, "seconds is nan"),
        ({"kind": "slow-boot", "seconds": -1}, "seconds is -1, expected a number from 0 to 86400"),
        ({"kind": "never-ready", "seconds": 1}, "never-ready takes no seconds"),
        ({"kind": "slow-boot", "vm": 1, "role": "r"}, "by its id alone"),
        ({"kind": "deploy-error", "vm": 1}, "do not exist yet"),
    ],
)
def test_what_is_refused(sent: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionsError) as refused:
        values_of(sent)
    assert message in str(refused.value)


def test_whom_it_concerns() -> None:
    assert fault().concerns(1, "any", None)
    assert fault(vm_id=1).concerns(1, "any", "role")
    assert not fault(vm_id=2).concerns(1, "any", "role")
    assert fault(name="w*_1", role="r").concerns(1, "worker_1", "r")
    assert not fault(name="w*_1", role="r").concerns(1, "worker_2", "r")
    assert not fault(name="w*_1", role="r").concerns(1, "worker_1", None)
    assert not fault(nth=1).concerns(1, "any", None), "the first VM from now on is not there yet"
    assert fault(nth=1, vm_id=1, role="r").concerns(1, "any", None)
