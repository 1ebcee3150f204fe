"""`fedstack lint --live` on what a cloud has: templates, VM templates, running services."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from support.workspace import Workspace
from unit.rules.rule_templates import ABSENT, changed

GOOD_VM = 'NAME=good CPU=0.1 MEMORY=64 NIC=[NETWORK_ID="0"]'


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A cloud with a network and two VM templates, 0 and 1."""
    with Workspace.running(tmp_path_factory.mktemp("live"), "--hypervisor", "simulated") as space:
        server = space.server()
        server.vn.allocate("NAME=lab VN_MAD=dummy BRIDGE=br0 AR=[TYPE=IP4,SIZE=16,IPAM_MAD=local]", -1)
        for number in range(2):
            server.template.allocate(GOOD_VM.replace("good", f"good{number}"))
        yield space


def lint(workspace: Workspace, *options: str, code: int) -> Any:
    done = workspace.run("fedstack", "lint", "--live", "--format", "json", *options, extra=workspace.access())
    assert done.returncode == code, done.stdout + done.stderr
    return json.loads(done.stdout)


def register(workspace: Workspace, body: dict[str, Any], instantiate: bool) -> int:
    """Registers a template, and makes a service of it when asked; the template's number."""
    user, _, password = workspace.session().partition(":")
    made = requests.post(
        f"{workspace.cloud['flow']}/service_template", json=body, auth=(user, password), timeout=10
    ).json()
    number = int(made["DOCUMENT"]["ID"])
    if instantiate:
        roles = [
            {"name": "superlink", "user_inputs_values": {"FL_MIN_FIT_CLIENTS": "2"}},
            {"name": "supernode", "user_inputs_values": {"FL_NODE_CONFIG": ""}},
        ]
        values = {"user_inputs_values": {"FLOWER_VERSION": "1.36.0", "FL_TLS_ENABLED": "YES"}, "roles": roles}
        order = {"action": {"perform": "instantiate", "params": {"merge_template": values}}}
        address = f"{workspace.cloud['flow']}/service_template/{number}/action"
        answer = requests.post(address, json=order, auth=(user, password), timeout=10)
        assert answer.ok, answer.text
    return number


def test_what_runs_is_judged(workspace: Workspace) -> None:
    on_cloud = {"0/template_id": 0, "1/template_id": 1}
    register(workspace, changed(on_cloud), instantiate=True)
    assert lint(workspace, code=0)["remarks"] == []
    bad = changed({**on_cloud, "name": "bad", "deployment": "none", "0/template_contents/CONTEXT/TOKEN": ABSENT})
    number = register(workspace, bad, instantiate=True)
    workspace.server().template.allocate("NAME=bare CPU=0.1 MEMORY=64 FL_READY=YES")
    report = lint(workspace, code=1)
    found = {(each["file"], each["rule"]) for each in report["remarks"] if each["level"] == "mandatory"}
    assert found == {
        (f"service template {number} (bad)", "straight-deployment"),
        (f"service template {number} (bad)", "token-in-context"),
        (f"service {number + 1} (bad)", "straight-deployment"),
        (f"service {number + 1} (bad)", "token-in-context"),
        ("VM template 2 (bare)", "ready-not-preset"),
    }
    assert report["templates"] == 7


def test_levels_of_an_environment_hold(workspace: Workspace) -> None:
    levels = workspace.root / "lenient.json"
    lenient = ("straight-deployment", "token-in-context", "ready-not-preset")
    levels.write_text(json.dumps(dict.fromkeys(lenient, "advisory")))
    report = lint(workspace, "--config", str(levels), code=0)
    assert {each["level"] for each in report["remarks"]} == {"advisory"}


def test_an_endpoint_that_does_not_answer(workspace: Workspace) -> None:
    nowhere = {**workspace.access(), "ONEFLOW_URL": "http://127.0.0.1:9"}
    done = workspace.run("fedstack", "lint", "--live", extra=nowhere)
    assert done.returncode == 1
    assert "does not answer" in done.stderr
    assert "Traceback" not in done.stderr


def test_files_and_an_endpoint_are_not_judged_together(workspace: Workspace) -> None:
    for arguments in (("--live", "README.md"), ()):
        done = workspace.run("fedstack", "lint", *arguments)
        assert done.returncode == 2
        assert "--live alone" in done.stderr
