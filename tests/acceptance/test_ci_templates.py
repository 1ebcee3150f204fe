"""The steps of the workflow templates, run as CI systems run them, against an interface for comments on loopback."""

import json
import subprocess
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml
from support.comments import Comments, served
from support.workspace import ROOT, Workspace

TEMPLATES = ROOT / "ci-templates"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A stack that is deployed with two SuperNodes."""
    with Workspace.running(tmp_path_factory.mktemp("ci"), "--hypervisor", "simulated") as space:
        space.create_stack()
        done = space.pulumi("up", "--yes", "--suppress-progress")
        assert done.returncode == 0, done.stdout + done.stderr
        yield space


@pytest.fixture
def comments() -> Iterator[Comments]:
    with served() as server:
        yield server


def template(name: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((TEMPLATES / name).read_text())
    return content


def github(workspace: Workspace, comments: Comments) -> dict[str, str]:
    """What GitHub Actions sets in a job of a pull request."""
    event = workspace.root / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 7}}))
    return {
        "GITHUB_ACTIONS": "true",
        "GITHUB_API_URL": comments.address,
        "GITHUB_REPOSITORY": "o/r",
        "GITHUB_EVENT_PATH": str(event),
        "GITHUB_TOKEN": comments.token,
        "GITHUB_STEP_SUMMARY": str(workspace.root / "summary.md"),
    }


def gitlab(comments: Comments) -> dict[str, str]:
    """What GitLab CI sets in a job of a merge request."""
    return {
        "GITLAB_CI": "true",
        "CI_API_V4_URL": comments.address,
        "CI_PROJECT_ID": "5",
        "CI_MERGE_REQUEST_IID": "7",
        "GITLAB_TOKEN": comments.token,
    }


def step(workspace: Workspace, script: str, extra: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """One script, as a runner executes it."""
    return workspace.run("bash", "-eo", "pipefail", "-c", script, extra={"STACK": "dev", **extra})


def scripts(name: str, job: str) -> dict[str, str]:
    """The `run` steps of a GitHub workflow by name."""
    return {each["name"]: each["run"] for each in template(name)["jobs"][job]["steps"] if "run" in each}


def test_github_preview_keeps_one_comment(workspace: Workspace, comments: Comments) -> None:
    comments.bodies.update({number: f"remark {number}" for number in range(120)})
    steps, extra = scripts("github-preview.yml", "preview"), github(workspace, comments)
    assert list(steps) == ["Install", "Preview", "Comment"]
    for expected in ("POST", "PATCH"):
        for name, script in steps.items():
            done = step(workspace, script, extra)
            assert done.returncode == 0, f"{name}: {done.stdout}{done.stderr}"
        assert comments.calls[-1] == expected
        workspace.edit_config(count=4 if expected == "POST" else 2)
    assert len(comments.calls) == 2
    ours = [body for body in comments.bodies.values() if body.startswith("<!-- fedstack:preview-report stack=dev -->")]
    assert len(ours) == 1
    assert "2 VMs of supernode boot" in ours[0]
    assert (workspace.root / "summary.md").read_text().count("## Preview of stack `dev`") == 2


def test_gitlab_preview_keeps_one_note(workspace: Workspace, comments: Comments) -> None:
    job, extra = template("gitlab-ci.yml")["preview"], gitlab(comments)
    for script in [*job["script"], *job["after_script"], *job["after_script"]]:
        done = step(workspace, script, extra)
        assert done.returncode == 0, done.stdout + done.stderr
    assert comments.calls == ["POST", "PUT"]
    assert next(iter(comments.bodies.values())).startswith("<!-- fedstack:preview-report stack=dev -->")


def test_a_blocked_preview_fails_the_job_and_is_commented(workspace: Workspace, comments: Comments) -> None:
    steps, extra = scripts("github-preview.yml", "preview"), github(workspace, comments)
    levels = workspace.root / "policies/dev.json"
    before = levels.read_text()
    levels.write_text('{"operator-certificates": {"enforcementLevel": "mandatory", "required": true}}')
    try:
        assert step(workspace, steps["Preview"], extra).returncode == 3
    finally:
        levels.write_text(before)
    assert step(workspace, steps["Comment"], extra).returncode == 0
    (body,) = comments.bodies.values()
    assert "blocked by policy" in body
    assert "operator-certificates" in body


def test_drift_gate(workspace: Workspace) -> None:
    gates = [scripts("github-drift.yml", "drift")["Drift"], template("gitlab-ci.yml")["drift"]["script"][0]]
    for gate in gates:
        done = step(workspace, gate, {})
        assert done.returncode == 0, done.stdout + done.stderr
    workspace.server().vn.rename(0, "renamed")
    try:
        for gate in gates:
            assert step(workspace, gate, {}).returncode == 7
    finally:
        workspace.server().vn.rename(0, "federation-dev-network")
    text = (workspace.root / "report.md").read_text()
    assert text.startswith("<!-- fedstack:drift stack=dev -->")
    assert "| `name` | `federation-dev-network` | `renamed` |" in text
    done = step(workspace, gates[0], {"ONE_XMLRPC": "http://127.0.0.1:9/RPC2"})
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("missing", "said"), [("GITHUB_ACTIONS", "GITHUB_ACTIONS"), ("GITHUB_TOKEN", "GITHUB_TOKEN is not set")]
)
def test_outside_of_a_pull_request(workspace: Workspace, comments: Comments, missing: str, said: str) -> None:
    (workspace.root / "some.md").write_text("<!-- fedstack:drift stack=dev -->\n")
    extra = github(workspace, comments)
    del extra[missing]
    done = step(workspace, ".venv/bin/fedstack comment some.md", extra)
    assert done.returncode == 2
    assert said in done.stderr


def test_a_refused_token_is_said(workspace: Workspace, comments: Comments) -> None:
    (workspace.root / "some.md").write_text("<!-- fedstack:drift stack=dev -->\n")
    done = step(workspace, ".venv/bin/fedstack comment some.md", {**github(workspace, comments), "GITHUB_TOKEN": "x"})
    assert done.returncode == 1
    assert "401" in done.stderr
    assert comments.bodies == {}
