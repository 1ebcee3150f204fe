"""GPUs by passthrough (reference 11), ready autoscaling policies (8.4), targets for a Prometheus elsewhere (13.4)."""

from typing import Any

import pytest
from support.declared import deploy, service, template

from components.errors import SettingsError
from components.settings import read_settings
from fedstack.rules import Place, check_properties

GPU = {"gpu": {"enabled": True, "pci": [{"address": "e1:00.0"}]}, "supernodes": {"vcpu": 4}}


def complaints(raw: Any) -> list[str]:
    with pytest.raises(SettingsError) as error:
        read_settings(raw)
    return error.value.problems


def test_a_gpu_is_passed_through_to_supernodes_alone() -> None:
    declared, _ = deploy(GPU)
    nodes = declared["VirtualMachineTemplate federation-dev-supernode"]
    assert nodes["os"] == {"arch": "x86_64", "firmware": "UEFI", "machine": "q35"}
    assert nodes["attributes"] == {
        "PCI": [{"SHORT_ADDRESS": "e1:00.0"}],
        "CPU_MODEL": {"MODEL": "host-passthrough"},
        "TOPOLOGY": {"PIN_POLICY": "CORE", "SOCKETS": "1", "CORES": "4"},
    }
    assert check_properties(nodes, place=Place.VM_TEMPLATE) == []
    assert "attributes" not in declared["VirtualMachineTemplate federation-dev-superlink"]
    assert service(declared)["triggers"]["gpu.pci"] == "SHORT_ADDRESS=e1:00.0"


def test_a_gpu_of_a_kind_and_a_virtual_one() -> None:
    kind = {"vendor": "10de", "device": "20b9", "deviceClass": "0302", "profile": "nvidia-22"}
    declared, _ = deploy({"gpu": {"enabled": True, "pci": [kind]}})
    (device,) = declared["VirtualMachineTemplate federation-dev-supernode"]["attributes"]["PCI"]
    assert device == {"VENDOR": "10de", "DEVICE": "20b9", "CLASS": "0302", "PROFILE": "nvidia-22"}


@pytest.mark.parametrize(
    ("gpu", "expected"),
    [
        (
            {"enabled": True, "pci": [{"address": "x"}]},
            'gpu.pci[0].address: expected a PCI address such as e1:00.0, got "x"',
        ),
        ({"enabled": True, "pci": [{}]}, "gpu.pci[0]: expected an address, or vendor, device or deviceClass"),
        ({"pci": [{"vendor": "10de"}]}, "gpu.enabled: expected true, because gpu.pci brings devices into the VMs"),
    ],
)
def test_a_device_is_described_well_or_refused(gpu: dict[str, Any], expected: str) -> None:
    assert complaints({"gpu": gpu}) == [expected]


def test_ready_policies_come_after_ones_own() -> None:
    own = {"type": "CHANGE", "adjust": 2, "expression": "MEMORY > 90"}
    nodes = {"count": 4, "autoscaling": ["cpu", "workdays"], "elasticityPolicies": [own]}
    role = template(deploy({"supernodes": nodes})[0])["roles"][1]
    assert role["elasticityPolicies"] == [
        own,
        {"type": "CHANGE", "adjust": 1, "expression": "CPU > 80", "periodNumber": 3, "period": 60, "cooldown": 300},
        {"type": "CHANGE", "adjust": -1, "expression": "CPU < 20", "periodNumber": 5, "period": 120, "cooldown": 600},
    ]
    assert role["scheduledPolicies"] == [
        {"type": "CARDINALITY", "adjust": 4, "recurrence": "0 9 * * mon,tue,wed,thu,fri"},
        {"type": "CARDINALITY", "adjust": 2, "recurrence": "0 18 * * mon,tue,wed,thu,fri"},
    ]


def test_an_unknown_ready_policy_is_refused() -> None:
    (line,) = complaints({"supernodes": {"autoscaling": ["nights"]}})
    assert line == "supernodes.autoscaling[0]: expected 'cpu' or 'workdays', got \"nights\""


def test_scrape_targets_follow_the_nodes() -> None:
    _, off = deploy({})
    assert off["scrapeTargets"] == []
    _, outputs = deploy({"metrics": {"enabled": True, "port": 9200}, "gpu": {"enabled": True, "metrics": True}})
    assert outputs["scrapeTargets"] == [
        {
            "targets": ["127.9.0.2:9200"],
            "labels": {"job": "fl_training", "role": "superlink", "deployment": "flower-opennebula"},
        },
        {
            "targets": ["127.9.0.2:9400"] * 3,
            "labels": {"job": "dcgm_gpu", "role": "supernode", "deployment": "flower-opennebula"},
        },
    ]
