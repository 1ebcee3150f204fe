"""The whole program against Pulumi's mocks: what it declares, from settings to resource inputs."""

import base64
from typing import Any

import pytest
from pulumi.output import Unknown
from support.declared import CA, deploy, service, template


def test_what_is_declared() -> None:
    declared, _ = deploy({})
    assert sorted(declared) == [
        "Cluster federation-dev",
        "Federation federation-dev",
        "FlowerImage federation-dev-image",
        "Image federation-dev-image",
        "Mark federation-dev-mark",
        "Service federation-dev-service",
        "ServiceTemplate federation-dev-template",
        "VirtualMachineTemplate federation-dev-superlink",
        "VirtualMachineTemplate federation-dev-supernode",
        "VirtualNetwork federation-dev-network",
    ]
    marked = {name for name, inputs in declared.items() if inputs.get("mark") == "mark-1"}
    assert len(marked) == 6


def test_the_templates_follow_every_rule() -> None:
    from fedstack.oneflow.names import from_camel
    from fedstack.oneflow.template import normalise
    from fedstack.rules import Place, check_properties

    declared, _ = deploy({"supernodes": {"count": 3}})
    inputs = {key: value for key, value in template(declared).items() if key != "mark"}
    assert check_properties(inputs) == []
    for name, vm in declared.items():
        if name.startswith("VirtualMachineTemplate"):
            assert check_properties(vm, place=Place.VM_TEMPLATE) == []
    normalise(from_camel(inputs))
    superlink, supernode = inputs["roles"]
    assert (superlink["cardinality"], superlink["minVms"], superlink["maxVms"]) == (1, 1, 1)
    assert (supernode["cardinality"], supernode["minVms"], supernode["maxVms"]) == (2, 2, 10)
    assert supernode["parents"] == ["superlink"]


def test_every_declared_input_gets_its_value() -> None:
    from fedstack.oneflow.merge import merge
    from fedstack.oneflow.names import from_camel

    declared, _ = deploy({})
    given, body = service(declared), from_camel(template(declared))
    roles = [{"name": each["name"], "user_inputs_values": each["userInputsValues"]} for each in given["roles"]]
    merge(body, {"user_inputs_values": given["userInputsValues"], "roles": roles})
    names = [*given["userInputsValues"], *(name for role in roles for name in role["user_inputs_values"])]
    assert len(names) == len(set(names)), "one variable, one level"
    assert "FL_SUPERLINK_ADDRESS" not in names
    assert given["userInputsValues"]["FL_TLS_ENABLED"] == "YES"


def test_the_guest_boots_the_appliance_of_its_role() -> None:
    declared, _ = deploy({"sshPublicKey": "ssh-ed25519 AAAA me"})
    for role in template(declared)["roles"]:
        context = role["templateContents"]["CONTEXT"]
        script = base64.b64decode(context.pop("START_SCRIPT_BASE64")).decode()
        assert script == f"#!/bin/sh\nexec fedstack-appliance boot {role['name']}\n"
        assert context == {
            "TOKEN": "YES",
            "NETWORK": "YES",
            "REPORT_READY": "YES",
            "READY_SCRIPT_PATH": "/opt/flower/scripts/health-check.sh",
            "SSH_PUBLIC_KEY": "ssh-ed25519 AAAA me",
        }


def test_outputs() -> None:
    _, outputs = deploy({"training": {"rounds": 5}})
    assert outputs["serviceId"] == 11
    assert outputs["fleetEndpoint"] == "127.9.0.2:9092"
    assert outputs["controlEndpoint"] == "127.9.0.2:9093"
    assert outputs["caCertificate"] == CA
    assert outputs["joining"] == {
        "FL_SUPERLINK_ADDRESS": "127.9.0.2:9092",
        "FL_TLS_ENABLED": "YES",
        "FL_SSL_CA_CERTFILE": base64.b64encode(CA.encode()).decode(),
        "enrol": "fedstack enrol --stack dev PUBLIC_KEY_FILE",
    }
    assert outputs["nodeCount"] == 3
    assert outputs["variables"]["FL_NUM_ROUNDS"] == "5"
    assert outputs["runConfig"]["num-server-rounds"] == "5"
    assert outputs["imagePath"].endswith("images/flower-sklearn")


def test_a_count_is_one_change_of_the_service_alone() -> None:
    before, _ = deploy({"supernodes": {"count": 2}})
    after, _ = deploy({"supernodes": {"count": 3}})
    changed = [name for name in before if before[name] != after[name]]
    assert changed == ["Service federation-dev-service"]
    assert service(after)["roles"][1]["cardinality"] == 3
    assert service(after)["triggers"] == service(before)["triggers"]


@pytest.mark.parametrize(
    ("raw", "trigger"),
    [
        ({"logging": {"level": "DEBUG"}}, "logging.level"),
        ({"tls": {"enabled": False}}, "tls.enabled"),
        ({"variables": {"FL_LOG_FORMAT": "json"}}, "logging.format"),
        ({"superlink": {"memoryMb": 2048}}, "superlink.memoryMb"),
        ({"superlink": {"diskMb": 2048}}, "superlink.diskMb"),
        ({"supernodes": {"cpu": 2}}, "supernodes.cpu"),
        ({"network": {"id": 5}}, "network"),
        ({"image": {"id": 5}}, "image"),
        ({"sshPublicKey": "ssh-ed25519 AAAA me"}, "sshPublicKey"),
    ],
)
def test_what_vms_read_at_boot_is_a_trigger_of_its_key(raw: dict[str, Any], trigger: str) -> None:
    before, after = (service(deploy(each)[0])["triggers"] for each in ({}, raw))
    assert [name for name in {**before, **after} if before.get(name) != after.get(name)] == [trigger]


@pytest.mark.parametrize(
    "raw",
    [
        {"supernodes": {"count": 3}},
        {"supernodes": {"max": 12}},
        {"supernodes": {"scheduledPolicies": [{"type": "CHANGE", "adjust": 1, "startTime": "1"}]}},
        {"supernodes": {"autoscaling": ["cpu"]}},
        {"supernodes": {"cooldown": 30}},
        {"training": {"rounds": 9, "strategy": "Krum"}},
        {"checkpoint": {"interval": 2}},
        {"readyDeadline": 60},
        {"variables": {"FL_LOG_LEVEL": "INFO"}},
    ],
)
def test_what_vms_do_not_read_is_no_trigger(raw: dict[str, Any]) -> None:
    before, after = (service(deploy(each)[0])["triggers"] for each in ({}, raw))
    assert before == after


def test_run_scoped_values_are_ignored_by_the_service() -> None:
    declared, _ = deploy({})
    after, outputs = deploy({"training": {"strategy": "FedProx", "proximalMu": 0.5}})
    assert service(after)["triggers"] == service(declared)["triggers"]
    assert {"FL_STRATEGY", "FL_PROXIMAL_MU", "FL_NUM_ROUNDS"} <= set(service(after)["ignoredInputs"])
    assert template(after)["roles"][0]["userInputs"]["FL_STRATEGY"].endswith("|FedProx")
    assert outputs["runConfig"]["proximal-mu"] == "0.5"


def test_existing_network_and_image_are_used() -> None:
    declared, outputs = deploy({"network": {"id": 3}, "image": {"id": 4}})
    assert not [name for name in declared if name.startswith(("VirtualNetwork", "Image "))]
    vm = declared["VirtualMachineTemplate federation-dev-supernode"]
    assert vm["nics"] == [{"networkId": 3}]
    assert vm["disks"] == [{"imageId": 4}]
    assert outputs["imagePath"].endswith("images/flower-sklearn"), "the recipe with the same Flower"


def test_a_network_by_name_is_looked_up() -> None:
    declared, _ = deploy({"network": {"name": "lab"}}, {"networkId": 3, "name": "lab"})
    assert not [name for name in declared if name.startswith("VirtualNetwork")]
    assert declared["VirtualMachineTemplate federation-dev-supernode"]["nics"] == [{"networkId": 3}]
    by_id, _ = deploy({"network": {"id": 3}})
    assert service(declared)["triggers"] == service(by_id)["triggers"]


def test_a_network_by_name_is_unknown_while_the_provider_has_no_settings() -> None:
    declared, _ = deploy({"network": {"name": "lab"}}, {})
    (nic,) = declared["VirtualMachineTemplate federation-dev-supernode"]["nics"]
    assert isinstance(nic["networkId"], Unknown)
    assert isinstance(service(declared)["triggers"]["network"], Unknown)


def test_policies_pass_through() -> None:
    policy = {"type": "CHANGE", "adjust": 1, "expression": "CPU > 80", "periodNumber": 3, "period": 60, "cooldown": 300}
    schedule = {"type": "CARDINALITY", "adjust": 4, "recurrence": "0 9 * * mon-fri"}
    raw = {"supernodes": {"elasticityPolicies": [policy], "scheduledPolicies": [schedule]}}
    declared, _ = deploy(raw)
    superlink, supernode = template(declared)["roles"]
    assert supernode["elasticityPolicies"] == [policy]
    assert supernode["scheduledPolicies"] == [schedule]
    assert "elasticityPolicies" not in superlink


def pem(kind: str, content: str = "x") -> str:
    return base64.b64encode(f"-----BEGIN {kind}-----\n{content}\n-----END {kind}-----\n".encode()).decode()


def triple(content: str) -> dict[str, str]:
    certificate = pem("CERTIFICATE", content)
    return {"caCertificate": certificate, "certificate": certificate, "privateKey": pem("PRIVATE KEY", content)}


def test_other_certificates_touch_no_vm_and_are_at_hand_for_a_rotation() -> None:
    none, _ = deploy({})
    before, _ = deploy({"tls": triple("old")})
    after, outputs = deploy({"tls": triple("new")})
    assert service(none)["triggers"] == service(before)["triggers"] == service(after)["triggers"]
    assert outputs["certificates"] == {
        "FL_SSL_CA_CERTFILE": pem("CERTIFICATE", "new"),
        "FL_SSL_CERTFILE": pem("CERTIFICATE", "new"),
        "FL_SSL_KEYFILE": pem("PRIVATE KEY", "new"),
    }
    assert {*outputs["certificates"]} <= {*service(after)["ignoredInputs"]}


def test_private_keys_are_secrets_and_masked() -> None:
    tls = triple("x")
    key = tls["privateKey"]
    declared, outputs = deploy({"tls": tls})
    assert outputs["variables"]["FL_SSL_KEYFILE"] == "(secret)"
    assert key not in str(template(declared))
    assert key not in str(service(declared)["triggers"])


def test_a_changed_recipe_is_a_new_image(tmp_path: Any) -> None:
    (tmp_path / "requirements.txt").write_text("flwr==1.36.0\n")
    raw = {"image": {"path": str(tmp_path)}}
    before, _ = deploy(raw)
    again, _ = deploy(raw)
    (tmp_path / "requirements.txt").write_text("flwr==1.31.0\n")
    after, _ = deploy(raw)
    image = "Image federation-dev-image"
    assert before[image] == again[image]
    assert before[image]["name"] != after[image]["name"]
    assert service(before)["triggers"]["image"] != service(after)["triggers"]["image"]
