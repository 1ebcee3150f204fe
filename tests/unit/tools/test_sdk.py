"""The generated SDK as it is committed: its sub-packages are importable, not only its resources."""

import subprocess
import sys

from tools import sdk

PROBE = """
import pulumi_opennebula
import pulumi_opennebula.config as config

assert pulumi_opennebula.__file__.startswith({source!r}), pulumi_opennebula.__file__
print(config.endpoint)
"""


def test_a_program_can_read_the_provider_s_settings() -> None:
    """A generator built with Go 1.26 once wrote imports into sub-packages that lead nowhere (see tools/setup.py)."""
    probe = PROBE.format(source=str(sdk.TARGET))
    done = subprocess.run(
        [sys.executable, "-c", probe],
        env={"PYTHONPATH": str(sdk.TARGET), "PULUMI_CONFIG": '{"opennebula:endpoint": "http://one"}'},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout.strip()) == (0, "http://one"), done.stderr
