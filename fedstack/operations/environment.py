"""The environment in which Pulumi and the OpenNebula clients run: the user's own settings, else the local cloud's.

A stack is local when neither its configuration nor the environment names an OpenNebula endpoint. Only a local stack
gets a backend, a Pulumi home and credentials from here; what the user has set is never replaced.
"""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from fedstack.localcloud import trust
from fedstack.operations.errors import BadInputError

SETTINGS = {
    "PULUMI_PARALLEL": "64",
    "PULUMI_SKIP_UPDATE_CHECK": "true",
    "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
    "PULUMI_DISABLE_REGISTRY_RESOLVE": "true",
    "PULUMI_SUPPRESS_COPILOT_LINK": "true",
    "PULUMI_SUPPRESS_NEO_LINK": "true",
}
"""Lets the CLI wait for many objects at once (its own limit counts processors, and waiting takes none), and keeps it
from asking anything on the network: every plugin is in the project.
"""


WHOLE = "metadata=skip"
"""Has Pulumi write each file of its state at once; else a kill can leave the state unreadable (see checkpoints)."""

FROM_CONFIG = {"opennebula:endpoint": "ONE_XMLRPC", "opennebula:flowEndpoint": "ONEFLOW_URL"}
"""Where a stack's configuration says what OpenNebula's own tools take from the environment."""


@dataclass(frozen=True)
class Project:
    """A checkout: its root and the folder for everything that is not under version control."""

    root: Path

    @property
    def private(self) -> Path:
        """`.fedstack`, made with mode 0700."""
        folder = self.root / ".fedstack"
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder

    @property
    def cloud_state(self) -> Path:
        """Where the local cloud of this project keeps its state (FEDSTACK_STATE_DIR moves it)."""
        return Path(os.environ.get("FEDSTACK_STATE_DIR") or self.private / "cloud").absolute()

    def stack_config(self, stack: str) -> dict[str, object]:
        """The `config` of `Pulumi.<stack>.yaml`; raises BadInputError when there is none or it is no YAML mapping."""
        file = self.root / f"Pulumi.{stack}.yaml"
        if not file.exists():
            known = ", ".join(sorted(path.name.split(".")[1] for path in self.root.glob("Pulumi.*.yaml"))) or "none"
            raise BadInputError(f"stack {stack!r}: {file.name} does not exist (stacks with a configuration: {known})")
        try:
            config = (yaml.safe_load(file.read_text()) or {}).get("config") or {}
        except (yaml.YAMLError, AttributeError) as error:
            raise BadInputError(f"{file.name}: expected a YAML mapping with a key `config`: {error}") from None
        return dict(config)


def find_project(start: Path) -> Project:
    """The checkout that `start` lies in; raises BadInputError outside of one."""
    for folder in (start.absolute(), *start.absolute().parents):
        if (folder / "Pulumi.yaml").exists():
            return Project(folder)
    raise BadInputError(f"{start.absolute()}: no Pulumi.yaml here or above; run this inside a checkout of fedstack")


def search_path() -> str:
    """Where commands are looked for: beside the running interpreter first, as `make setup` puts them there."""
    return f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"


def is_local(project: Project, stack: str, environ: Mapping[str, str]) -> bool:
    """Whether the stack runs on this project's local cloud."""
    return "ONE_XMLRPC" not in environ and "opennebula:endpoint" not in project.stack_config(stack)


def pulumi_defaults(project: Project) -> dict[str, str]:
    """Backend, home and passphrase of a local stack.

    The passphrase is empty on purpose: a local stack's state holds no secret (credentials come from the environment
    and private keys never leave their VM), and `Pulumi.dev.yaml` then fits every clone.
    """
    state = project.private / "pulumi" / "state"
    state.mkdir(parents=True, exist_ok=True)
    home = {} if "PULUMI_BACKEND_URL" in os.environ else {"PULUMI_BACKEND_URL": f"{state.as_uri()}?{WHOLE}"}
    if not {"PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"} & os.environ.keys():
        home["PULUMI_CONFIG_PASSPHRASE"] = ""
    return {"PULUMI_HOME": str(state.parent / "home"), **home}


def cloud_settings(status: Mapping[str, object]) -> dict[str, str]:
    """How clients reach the local cloud, from its status; empty while it has never run."""
    if not status.get("rpc"):
        return {}
    return _trust(status) | {
        "ONE_XMLRPC": str(status["rpc"]),
        "ONEFLOW_URL": str(status["flow"]),
        "ONE_AUTH": str(status["auth_file"]),
    }


def _trust(status: Mapping[str, object]) -> dict[str, str]:
    """Whom clients have to trust, when the local cloud speaks https."""
    authorities = status.get("authorities")
    return dict.fromkeys(trust.VARIABLES, str(authorities)) if authorities else {}


def configured(project: Project, stack: str) -> dict[str, str]:
    """The endpoints that the stack's configuration names."""
    config = project.stack_config(stack)
    return {variable: str(config[key]) for key, variable in FROM_CONFIG.items() if isinstance(config.get(key), str)}


def settings(project: Project, stack: str, cloud: Mapping[str, object]) -> dict[str, str]:
    """The variables to add to the environment: nothing that the user has set, except for a file of authorities, since
    the local cloud's contains those that it found in the environment.
    """
    wanted = dict(SETTINGS)
    if is_local(project, stack, os.environ):
        wanted |= pulumi_defaults(project) | cloud_settings(cloud)
    else:
        wanted |= configured(project, stack)
    return {key: value for key, value in wanted.items() if key not in os.environ or key in trust.VARIABLES}
