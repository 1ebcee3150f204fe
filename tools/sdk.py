"""Generates `sdks/opennebula` from the schema that the provider serves. Called by `make sdk`."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "sdks" / "opennebula"


def generate(target: Path) -> int:
    """Writes the Python package into `target`, replacing what is there; Pulumi's exit code."""
    with tempfile.TemporaryDirectory() as scratch:
        environment = {
            **os.environ,
            "PULUMI_HOME": f"{scratch}/home",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_REGISTRY_RESOLVE": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        }
        arguments = ["gen-sdk", str(ROOT / "provider"), "--language", "python", "--local", "-o", f"{scratch}/sdk"]
        pulumi = ROOT / ".venv/bin/pulumi"
        command = [str(pulumi if pulumi.exists() else shutil.which("pulumi")), "package", *arguments]
        done = subprocess.run(command, cwd=scratch, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            print(f"sdk: {done.stderr.strip() or done.stdout.strip()}", file=sys.stderr)
            return done.returncode
        made = next(Path(scratch, "sdk").rglob("pyproject.toml")).parent
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(made, target)
    return 0


if __name__ == "__main__":
    sys.exit(generate(TARGET))
