"""The life of services: deployment, gate, scaling, cooldown, watchdog, recover, deletion (reference 6.9 to 6.19)."""

from __future__ import annotations

from typing import Any

import pytest

DEPLOYING, RUNNING, WARNING, FAILED_DEPLOYING, SCALING, COOLDOWN, HOLD = 1, 2, 4, 7, 8, 10, 15


def settle(lab: Any, service_id: int) -> None:
    """Waits until a scaled service runs again."""
    lab.in_state(service_id, RUNNING)


class TestDeployment:
    def test_first_reply_has_state_zero_and_no_nodes(self, lab: Any, pair: Any) -> None:
        template_id = lab.service_template(pair)
        reply = lab.act(f"service_template/{template_id}", "instantiate", merge_template={})
        document = reply.json()["DOCUMENT"]
        lab.made.append(lambda: lab.remove_service(int(document["ID"])))
        body = document["TEMPLATE"]["BODY"]
        assert (reply.status_code, body["state"], document["TYPE"]) == (201, 0, "100")
        assert all(role["state"] == 0 and "nodes" not in role for role in body["roles"])

    def test_services_and_templates_share_one_sequence(self, lab: Any, pair: Any) -> None:
        template_id = lab.service_template(pair)
        assert lab.instantiate(template_id) > template_id

    def test_nodes_and_names(self, lab: Any, running: int) -> None:
        role = lab.role(running, "child")
        assert [node["vm_info"]["VM"]["NAME"] for node in role["nodes"]] == [
            f"child_0_(service_{running})",
            f"child_1_(service_{running})",
        ]
        assert role["last_vmname"] == 2
        assert all(node["vm_info"]["VM"]["ID"] == str(node["deploy_id"]) for node in role["nodes"])

    def test_vms_know_their_service(self, lab: Any, running: int) -> None:
        (vm_id,) = lab.nodes(running, "parent")
        attributes = lab.one.vm.info(vm_id).USER_TEMPLATE
        assert (attributes["SERVICE_ID"], attributes["ROLE_NAME"]) == (str(running), "parent")

    def test_states_are_logged(self, lab: Any, running: int) -> None:
        messages = [entry["message"] for entry in lab.body(running)["log"]]
        assert messages == ["New state: DEPLOYING_NETS", "New state: DEPLOYING", "New state: RUNNING"]

    def test_none_deploys_all_at_once(self, lab: Any, pair: Any) -> None:
        service_id = lab.service(pair, deployment="none", ready_status_gate=True)
        lab.nodes_of(service_id, "child", 2)
        assert lab.body(service_id)["state"] == DEPLOYING

    def test_a_service_without_roles_runs(self, lab: Any) -> None:
        lab.in_state(lab.service([]), RUNNING)

    def test_roles_of_cardinality_zero_are_ready(self, lab: Any, vm_template: int) -> None:
        service_id = lab.service([{"name": "none", "type": "vm", "template_id": vm_template}])
        lab.in_state(service_id, RUNNING)
        assert lab.role(service_id, "none")["nodes"] == []

    @pytest.mark.parametrize("parents", [["nobody"], ["lost"]])
    def test_bad_graphs_never_deploy(self, lab: Any, vm_template: int, parents: list[str]) -> None:
        role = {"name": "lost", "type": "vm", "template_id": vm_template, "cardinality": 1, "parents": parents}
        service_id = lab.service([role])
        lab.in_state(service_id, 11)
        assert lab.role(service_id, "lost")["nodes"] == []

    def test_a_vm_that_cannot_be_created_fails_the_service(self, lab: Any) -> None:
        broken = lab.template('DISK=[IMAGE="no-such-image"]')
        service_id = lab.service([{"name": "web", "type": "vm", "template_id": broken, "cardinality": 2}])
        body = lab.in_state(service_id, FAILED_DEPLOYING)
        assert body["roles"][0]["state"] == FAILED_DEPLOYING
        assert any(entry["severity"] == "E" and "no-such-image" in entry["message"] for entry in body["log"])
        assert lab.flow.delete(lab.url(f"service/{service_id}")).status_code == 500
        assert lab.act(f"service/{service_id}", "recover", delete=True).status_code == 204

    def test_inputs_reach_the_context(self, lab: Any, vm_template: int) -> None:
        contents = {"NOTE": "n", "CONTEXT": {"OWN": "1"}}
        role = {
            "name": "web",
            "type": "vm",
            "template_id": vm_template,
            "cardinality": 1,
            "template_contents": contents,
        }
        template_id = lab.service_template([role], user_inputs={"FL_A": "M|text|a||"})
        service_id = lab.instantiate(template_id, user_inputs_values={"FL_A": "7"})
        (vm_id,) = lab.nodes_of(service_id, "web", 1)
        info = lab.one.vm.info(vm_id)
        context = info.TEMPLATE["CONTEXT"]
        assert (context["FL_A"], context["OWN"], context["TOKEN"]) == ("7", "1", "YES")
        assert info.USER_TEMPLATE["NOTE"] == "n"

    def test_networks_are_filled_in(self, lab: Any, vm_template: int) -> None:
        network_id = lab.network()
        contents = {"NIC": [{"NETWORK_ID": "$front"}]}
        role = {
            "name": "web",
            "type": "vm",
            "template_id": vm_template,
            "cardinality": 1,
            "template_contents": contents,
        }
        template_id = lab.service_template([role], networks={"front": f"M|network|n||id:{network_id}"})
        service_id = lab.instantiate(template_id)
        (vm_id,) = lab.nodes_of(service_id, "web", 1)
        assert lab.one.vm.info(vm_id).TEMPLATE["NIC"]["NETWORK_ID"] == str(network_id)
        assert lab.body(service_id)["networks_values"] == [{"front": {"id": str(network_id)}}]

    def test_children_read_values_of_their_parents(self, lab: Any, pair: Any) -> None:
        pair[1]["template_contents"] = {"PARENT_NAME": "${parent.name}", "NOTHING": "${parent.template.no.such}"}
        service_id = lab.service(pair)
        lab.in_state(service_id, RUNNING)
        attributes = lab.one.vm.info(lab.nodes(service_id, "child")[0]).USER_TEMPLATE
        assert attributes["PARENT_NAME"] == f"parent_0_(service_{service_id})"


class TestGate:
    @pytest.fixture
    def gated(self, lab: Any, pair: Any) -> int:
        """A gated service whose parent exists."""
        service_id: int = lab.service(pair, ready_status_gate=True)
        lab.nodes_of(service_id, "parent", 1)
        return service_id

    def test_children_wait_for_the_report(self, lab: Any, gated: int) -> None:
        (parent,) = lab.nodes(gated, "parent")
        lab.vm_in(parent, (3, 3))
        assert lab.role(gated, "child")["nodes"] == []
        lab.guest(parent).report()
        children = lab.nodes_of(gated, "child", 2)
        lab.guest(children[0]).report()
        assert lab.body(gated)["state"] == DEPLOYING
        lab.guest(children[1]).report()
        lab.in_state(gated, RUNNING)

    @pytest.mark.parametrize("text", ["FL_READY=YES", 'READY = "YES"', "FL_NODE_READY=YES", "A=1\nREADY=YES"])
    def test_the_gate_looks_for_a_substring(self, lab: Any, gated: int, text: str) -> None:
        lab.guest(lab.nodes(gated, "parent")[0]).report(text)
        lab.nodes_of(gated, "child", 2)

    @pytest.mark.parametrize("text", ["READY=NO", "FL_ENDPOINT=1.2.3.4:9092", "READY=yes"])
    def test_other_reports_do_not_open_it(self, lab: Any, gated: int, text: str) -> None:
        (parent,) = lab.nodes(gated, "parent")
        lab.vm_in(parent, (3, 3))
        lab.guest(parent).report(text)
        assert lab.role(gated, "child")["nodes"] == []
        assert lab.body(gated)["state"] == DEPLOYING

    def test_updates_of_the_owner_count_too(self, lab: Any, gated: int) -> None:
        lab.one.vm.update(lab.nodes(gated, "parent")[0], "READY=YES", 1)
        lab.nodes_of(gated, "child", 2)

    def test_a_vm_at_rest_counts_as_ready(self, lab: Any, gated: int) -> None:
        (parent,) = lab.nodes(gated, "parent")
        lab.vm_in(parent, (3, 3))
        lab.one.vm.action("poweroff-hard", parent)
        lab.nodes_of(gated, "child", 2)

    def test_deploying_services_refuse_delete_and_scale(self, lab: Any, gated: int) -> None:
        reply = lab.flow.delete(lab.url(f"service/{gated}"))
        assert reply.status_code == 500
        assert "DEPLOYING" in reply.text
        assert lab.scale(gated, "child", 3).status_code == 500
        assert lab.act(f"service/{gated}", "recover", delete=True).status_code == 204

    def test_recover_waits_again(self, lab: Any, gated: int) -> None:
        assert lab.act(f"service/{gated}", "recover").status_code == 204
        lab.guest(lab.nodes(gated, "parent")[0]).report()
        lab.nodes_of(gated, "child", 2)


class TestScaling:
    def test_up_takes_new_names(self, lab: Any, running: int) -> None:
        before = lab.nodes(running, "child")
        assert lab.scale(running, "child", 3).status_code == 204
        lab.in_state(running, COOLDOWN)
        settle(lab, running)
        role = lab.role(running, "child")
        assert (role["cardinality"], role["state"], role["last_vmname"]) == (3, RUNNING, 3)
        assert lab.nodes(running, "child")[:2] == before

    def test_down_takes_the_oldest(self, lab: Any, running: int) -> None:
        before = lab.nodes(running, "child")
        assert lab.scale(running, "child", 1).status_code == 204
        settle(lab, running)
        assert lab.nodes(running, "child") == before[1:]
        lab.vm_in(before[0], (6, 0))

    @pytest.mark.parametrize(
        ("role", "count", "text"),
        [
            ("child", 0, "Can't scale service {}: Minimum cardinality is 1"),
            ("child", 5, "Can't scale service {}: Maximum cardinality is 4"),
            ("child", 2, "Cardinality of child is already at 2"),
            ("nobody", 1, "Role nobody not found"),
        ],
    )
    def test_what_is_refused(self, lab: Any, running: int, role: str, count: int, text: str) -> None:
        reply = lab.scale(running, role, count)
        assert (reply.status_code, reply.text) == (500, text.format(running))

    def test_negative_counts_are_refused(self, lab: Any, running: int) -> None:
        assert lab.scale(running, "child", -1).status_code == 500

    def test_force_ignores_bounds(self, lab: Any, running: int) -> None:
        assert lab.scale(running, "child", 0, force=True).status_code == 204
        settle(lab, running)
        assert lab.nodes(running, "child") == []

    def test_no_second_scale_until_cool(self, lab: Any, running: int) -> None:
        lab.scale(running, "child", 3)
        reply = lab.scale(running, "child", 4)
        assert reply.status_code == 500
        assert "Service cannot be scaled in state:" in reply.text
        settle(lab, running)

    def test_a_gated_scale_waits_for_the_report(self, lab: Any, pair: Any) -> None:
        service_id = lab.service(pair, ready_status_gate=True)
        lab.guest(lab.nodes_of(service_id, "parent", 1)[0]).report()
        for child in lab.nodes_of(service_id, "child", 2):
            lab.guest(child).report()
        lab.in_state(service_id, RUNNING)
        lab.scale(service_id, "child", 3)
        children = lab.nodes_of(service_id, "child", 3)
        lab.vm_in(children[-1], (3, 3))
        assert lab.body(service_id)["state"] == SCALING
        lab.guest(children[-1]).report()
        lab.in_state(service_id, COOLDOWN, RUNNING)

    def test_recover_ends_the_cooldown(self, lab: Any, pair: Any) -> None:
        pair[1]["cooldown"] = 600
        service_id = lab.service(pair)
        lab.in_state(service_id, RUNNING)
        lab.scale(service_id, "child", 3)
        lab.in_state(service_id, COOLDOWN)
        assert lab.act(f"service/{service_id}", "recover").status_code == 204
        assert lab.body(service_id)["state"] == RUNNING


class TestWatchdog:
    def test_poweroff_warns_and_resume_heals(self, lab: Any, running: int) -> None:
        child = lab.nodes(running, "child")[0]
        lab.one.vm.action("poweroff-hard", child)
        body = lab.in_state(running, WARNING)
        assert {role["name"]: role["state"] for role in body["roles"]} == {"parent": RUNNING, "child": WARNING}
        assert lab.scale(running, "child", 3).status_code == 500
        reply = lab.act(f"service/{running}", "recover")
        assert (reply.status_code, "WARNING" in reply.text) == (500, True)
        lab.one.vm.action("resume", child)
        lab.in_state(running, RUNNING)

    def test_recreate_heals_too(self, lab: Any, running: int) -> None:
        child = lab.nodes(running, "child")[0]
        lab.one.vm.action("poweroff-hard", child)
        lab.in_state(running, WARNING)
        lab.one.vm.recover(child, 4)
        lab.in_state(running, RUNNING)

    def test_a_vm_that_is_gone_lowers_the_count(self, lab: Any, running: int) -> None:
        lab.one.vm.action("terminate-hard", lab.nodes(running, "child")[0])
        lab.nodes_of(running, "child", 1)
        assert (lab.role(running, "child")["cardinality"], lab.body(running)["state"]) == (1, RUNNING)

    def test_automatic_deletion(self, lab: Any, vm_template: int, until: Any) -> None:
        role = {"name": "web", "type": "vm", "template_id": vm_template, "cardinality": 1}
        service_id = lab.service([role], automatic_deletion=True)
        lab.in_state(service_id, RUNNING)
        lab.one.vm.action("terminate-hard", lab.nodes(service_id, "web")[0])
        until(lambda: lab.get(f"service/{service_id}").status_code == 404, "service gone")


class TestDeletion:
    def test_children_go_before_parents(self, lab: Any, running: int, until: Any) -> None:
        parent, children = lab.nodes(running, "parent")[0], lab.nodes(running, "child")
        assert lab.flow.delete(lab.url(f"service/{running}")).status_code == 204
        until(lambda: lab.get(f"service/{running}").status_code == 404, "gone")
        infos = [lab.one.vm.info(one) for one in (*children, parent)]
        assert all(info.STATE == 6 for info in infos)
        assert max(info.ETIME for info in infos[:2]) <= infos[2].ETIME

    def test_recover_with_delete_from_running(self, lab: Any, running: int, until: Any) -> None:
        assert lab.act(f"service/{running}", "recover", delete=True).status_code == 204
        until(lambda: lab.get(f"service/{running}").status_code == 404, "gone")

    def test_purge_done(self, lab: Any) -> None:
        assert lab.post("service_pool/purge_done", None).status_code == 204

    def test_services_are_listed_until_they_are_gone(self, lab: Any, running: int) -> None:
        def listed() -> list[str]:
            return [one["ID"] for one in lab.get("service").json()["DOCUMENT_POOL"].get("DOCUMENT", [])]

        assert str(running) in listed()
        lab.remove_service(running)
        assert str(running) not in listed()

    def test_services_are_documents(self, lab: Any, running: int) -> None:
        document = lab.one.document.info(running)
        assert int(document.TYPE) == 100
        assert '"roles"' in document.TEMPLATE["BODY"]
