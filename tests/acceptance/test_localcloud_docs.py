"""docs/localcloud.md: every block of commands is taken out of the page and run as it stands there, in order."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.waiting import wait_for
from support.workspace import ROOT, Workspace

from fedstack.localcloud import control
from fedstack.localcloud.admin import client

PAGE = ROOT / "docs/localcloud.md"
RUN = ("sh", "python")
BLOCK = re.compile(r"^## (?P<heading>[^\n]+)$|^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
TIMEOUT = 120.0


@dataclass(frozen=True)
class Block:
    """A fenced block, and the heading that it stands below."""

    heading: str
    language: str
    text: str

    @property
    def follows(self) -> bool:
        """Whether it goes on until Ctrl-C."""
        return "--follow    #" in self.text

    @property
    def script(self) -> str:
        """What a reader types into a shell in which the settings are."""
        settings = "" if "fedstack env" in self.text else 'eval "$(fedstack env)"\n'
        paste = f"python - <<'END-OF-PASTE'\n{self.text}END-OF-PASTE\n" if self.language == "python" else self.text
        return settings + paste


def blocks() -> list[Block]:
    """All blocks of the page that a reader can run."""
    found, heading = [], ""
    for match in BLOCK.finditer(PAGE.read_text()):
        if match["heading"]:
            heading = match["heading"]
        elif match["language"] in RUN:
            found.append(Block(heading, match["language"], match["text"]))
    return found


EXPECTED = (
    (
        "Start, look, stop",
        r"local cloud: http://127.0.0.1:\d+/RPC2 .*\nrunning: http.*, 0 services, 0 VMs \(pid \d+\)\n",
    ),
    ("Start, look, stop", r"local cloud: stopped\n"),
    ("By pyone", r"127\.\d+\.1\.1\n"),
    ("By curl", r'(?s)"TYPE": "101".*"TYPE": "100".*"state": \d+'),
    ("By curl", r"(?s)<boolean>1</boolean>.*&lt;VM&gt;&lt;ID&gt;0&lt;/ID&gt;"),
    ("By curl", r'^\{"VM": \{"NAME": "first", .*"NOTE": "hello"'),
    ("By Terraform", r"(?s)_ENDPOINT=http://127.0.0.1:\d+/RPC2\n.*_PASSWORD=[0-9a-f]{64}\n|_PASSWORD=[0-9a-f]{64}\n"),
    ("What happens, and what VMs print", r'(?s)vm 0 first: PROLOG -> BOOT.*"object": "service".*VM 0 is up at 127\.'),
    ("What happens, and what VMs print", r"vm 0 first: \(new\) -> PENDING\n"),
    ("Faults", r"(?s)boot-failure, role worker, number 3 created\n.*power-off, VM 0\n.*always.*3 faults cleared\n"),
    ("Faults", r"role worker VM \d+ is POWEROFF\n"),
    ("Other machines, TLS", r'(?s)local cloud: https://.*"DOCUMENT_POOL": \{.*local cloud: stopped\n'),
    ("Addresses", r'(?s)local cloud: http://.*"running": true.*local cloud: stopped\n'),
)
"""What each block prints, by heading."""


@dataclass
class Reader:
    """Somebody who works through the page: own state directory and ports, a shell for each block."""

    space: Workspace
    environment: dict[str, str]

    def command(self, script: str) -> subprocess.CompletedProcess[str]:
        """The outcome of a script that ends."""
        shell = ["bash", "-euo", "pipefail", "-c", script]
        return subprocess.run(
            shell,
            cwd=self.space.root,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )

    def followed(self, script: str) -> subprocess.CompletedProcess[str]:
        """The outcome of a script that is interrupted after its first line."""
        shell = ["env", "--default-signal=INT", "bash", "-euo", "pipefail", "-c", script]
        pipe = subprocess.PIPE
        process = subprocess.Popen(
            shell,
            cwd=self.space.root,
            env=self.environment,
            stdout=pipe,
            stderr=pipe,
            text=True,
            start_new_session=True,
        )
        assert process.stdout is not None
        first = process.stdout.readline()
        os.killpg(process.pid, signal.SIGINT)
        rest, errors = process.communicate(timeout=TIMEOUT)
        return subprocess.CompletedProcess(shell, process.returncode, first + rest, errors)

    @property
    def state_dir(self) -> Path:
        """Of the cloud that the page is about."""
        return Path(self.environment["FEDSTACK_STATE_DIR"])

    def settled(self) -> bool:
        """Whether nothing in the cloud is on its way, as after the time that reading takes."""
        found = client.overview(self.state_dir)
        states = {one["state"] for one in (*found["services"], *found["vms"])}
        return states <= {"RUNNING", "WARNING", "POWEROFF"}

    def run(self, block: Block) -> subprocess.CompletedProcess[str]:
        """Does what a block says, on a cloud that runs."""
        if block != blocks()[0]:
            if not control.status(self.state_dir)["running"]:
                self.command("fedstack cloud start")
            wait_for(self.settled, TIMEOUT, "a cloud at rest")
        return self.followed(block.script) if block.follows else self.command(block.script)


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[subprocess.CompletedProcess[str]]]:
    """What came of each block."""
    folder = tmp_path_factory.mktemp("page")
    space = Workspace.create(folder / "clone")
    (folder / "tmp").mkdir()
    own = {f"FEDSTACK_{name}_PORT": "0" for name in ("RPC", "FLOW", "GATE")}
    own |= {"FEDSTACK_STATE_DIR": str(folder / "state"), "TMPDIR": str(folder / "tmp")}
    reader = Reader(space, {**space.environment, **own})
    try:
        yield [reader.run(block) for block in blocks()]
    finally:
        for status in (folder / "state/cloud.json", *(folder / "tmp").rglob("cloud.json")):
            control.stop(status.parent, destroy_vms=True)


def test_every_block_of_the_page_is_expected() -> None:
    assert [block.heading for block in blocks()] == [heading for heading, _ in EXPECTED]


@pytest.mark.parametrize("number", range(len(EXPECTED)))
def test_a_block_does_what_the_page_says(outcomes: list[subprocess.CompletedProcess[str]], number: int) -> None:
    block, outcome = blocks()[number], outcomes[number]
    told = f"{block.script}\n--- code {outcome.returncode}\n{outcome.stdout}\n---\n{outcome.stderr}"
    assert outcome.returncode == (130 if block.follows else 0), told
    assert outcome.stderr == "", told
    assert re.search(EXPECTED[number][1], outcome.stdout), told


def test_settings_of_terraform_are_those_of_the_cloud() -> None:
    settings = PAGE.read_text().split("```hcl\n")[1].split("```")[0]
    defaults = control.Options()
    assert f'endpoint      = "http://{defaults.host}:{defaults.rpc_port}/RPC2"' in settings
    assert f'flow_endpoint = "http://{defaults.host}:{defaults.flow_port}"' in settings
