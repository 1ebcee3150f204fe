"""The way from this repository to the VM image: the bundle, its installation, the template of the builder."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tools import bundle, dist
from tools.bundle import RECIPES

APPLIANCE = Path(__file__).resolve().parents[3] / "images/appliance"
TEMPLATE = (APPLIANCE / "appliance.pkr.hcl").read_text()
ENVIRONMENT = 'VMID="7"\nETH0_IP="127.0.0.1"\nFL_TLS_ENABLED="perhaps"\nFL_NUM_ROUNDS="many"\n'


@pytest.fixture(scope="module")
def bundled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundle") / "edge"
    assert bundle.main(["edge", str(folder)]) == 0
    return folder


def names(requirements: Path) -> set[str]:
    """The packages of a requirements file."""
    return {line.partition("==")[0] for line in requirements.read_text().splitlines() if re.match(r"[a-z].*==", line)}


def test_the_bundle_has_everything_that_the_scripts_install(bundled: Path) -> None:
    (wheel,) = bundled.glob("appliance/*.whl")
    pinned = (bundled / "appliance/requirements.txt").read_text()
    assert pinned.startswith(f"./{wheel.name} ")
    assert {"pydantic", "requests", "cryptography", "urllib3"} <= names(bundled / "appliance/requirements.txt")
    assert all("--hash=sha256:" in block[0] for block in dist.blocks(pinned).values())
    assert "edge = true" in (bundled / "flower/image.toml").read_text()
    assert (bundled / "files/common/usr/local/bin/fedstack-appliance").exists()
    assert (bundled / "provision/90-clean.sh").exists()


def test_an_edge_environment_is_a_standard_one_without_framework() -> None:
    edge, standard = (names(RECIPES[flavour] / "requirements.txt") for flavour in ("edge", "standard"))
    assert edge < standard
    assert {"scikit-learn", "scipy"} <= standard - edge


@pytest.mark.parametrize("arguments", [[], ["large", "x"], ["edge"]])
def test_bundling_is_called_with_flavour_and_folder(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert bundle.main(arguments) == 2
    assert "usage: " in capsys.readouterr().err


def test_a_folder_that_exists_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bundle.main(["edge", str(tmp_path)]) == 1
    assert "exists already" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_installed_appliance_runs(bundled: Path, tmp_path: Path) -> None:
    """The image's own script installs the bundle; what it installed boots, and says what is wrong."""
    root, machine = tmp_path / "root", tmp_path / "machine"
    script = ["bash", str(APPLIANCE / "provision/30-appliance.sh")]
    settings = {"FLAVOUR": "edge", "BUNDLE": str(bundled), "IMAGE_ROOT": str(root)}
    done = subprocess.run(script, env={**environment(), **settings}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (root / "etc/systemd/system/fedstack-boot@.service").exists()

    context = machine / "run/one-context/one_env"
    context.parent.mkdir(parents=True)
    context.write_text(ENVIRONMENT)
    program = [str(root / "opt/fedstack/bin/fedstack-appliance"), "boot", "superlink"]
    booted = subprocess.run(
        program,
        env={**environment(), "FEDSTACK_ROOT": str(machine), "ONE_ENV": str(context)},
        capture_output=True,
        text=True,
        check=False,
    )
    log = (machine / "var/log/one-appliance/flower-bootstrap.log").read_text()
    assert booted.returncode == 1, booted.stderr
    assert "FL_NUM_ROUNDS='many': expected an integer" in log and "FL_TLS_ENABLED='perhaps'" in log


def environment() -> dict[str, str]:
    """What a process needs of this one's environment."""
    return {
        key: value for key, value in os.environ.items() if key == "PATH" or key.startswith(("PIP_", "SSL_", "XDG_"))
    }


def test_the_template_runs_every_script_and_gives_each_what_it_asks_for() -> None:
    scripts = {path.stem: path.read_text() for path in APPLIANCE.glob("provision/*.sh")}
    assert [name for name in scripts if name not in TEMPLATE] == []
    given = set(re.findall(r'"([A-Z_0-9]+)=\$?[{/]', TEMPLATE))
    asked = {name for text in scripts.values() for name in re.findall(r'"\$\{([A-Z_0-9]+):\?', text)}
    assert asked <= given
    assert "90-clean.sh && systemctl poweroff" in TEMPLATE, "an image that was not cleaned is none"


def test_packer_accepts_the_template(tmp_path: Path) -> None:
    """With Packer's own eyes where it is installed; what it starts from is pinned in any case."""
    if packer := shutil.which("packer"):
        shutil.copytree(APPLIANCE, tmp_path / "template", ignore=shutil.ignore_patterns("plugins.pkr.hcl"))
        variables = {"flavour": "standard", "bundle": str(tmp_path), "context_sha256": "0" * 64}
        given = [word for name, value in variables.items() for word in ("-var", f"{name}={value}")]
        done = subprocess.run(
            [packer, "validate", *given, str(tmp_path / "template")], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    bases = re.findall(r'url\s+= "https://cloud-images\.ubuntu\.com/(\S+)"', TEMPLATE)
    assert len(bases) == 2
    assert all(re.search(r"noble/release-\d{8}/ubuntu-24\.04-\w+-cloudimg-amd64\.img", base) for base in bases)
    assert (
        len(re.findall(r'checksum = "(sha256:[0-9a-f]{64}|file:https://\S+/release-\d{8}/SHA256SUMS)"', TEMPLATE)) == 2
    )
