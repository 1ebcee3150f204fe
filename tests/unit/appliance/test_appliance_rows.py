"""All 48 rows of the registry, one by one: defaults, a good and a bad value, level, and what a value becomes.

Both boots are run as they are, up to and with the step that would start Flower; what they hand over is looked at.
"""

import base64
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from cryptography import x509

from fedstack.appliance import files, gpu, steps, superlink, supernode
from fedstack.appliance.backoff import Backoff
from fedstack.appliance.boot import Boot
from fedstack.appliance.bootlog import BootLog
from fedstack.appliance.launch import Launch
from fedstack.appliance.paths import Paths
from fedstack.appliance.runtime import find
from fedstack.appliance.steps import BootFailedError
from fedstack.appliance.superlink import SuperLinkBoot
from fedstack.appliance.supernode import SuperNodeBoot
from fedstack.context import VARIABLES, Appliance, Level, Target, Variable, effective, run_config, validate

WITHOUT_EFFECT = {
    "V17": "run config only: no app of this project writes checkpoints yet",
    "V18": "run config only, as V17",
    "V19": "run config, and its directory is made: no app of this project writes there yet",
    "V23": "run config only: no app of this project exports metrics yet",
    "V24": "run config only, as V23",
    "V34": "environment of PyTorch apps only: no image of this project has PyTorch yet",
    "V35": "the exporter is a container, and the runtime here has none: a warning",
    "V39": "for the contextualization packages of a complete image: this VM's network is there before it",
    "V42": "for the contextualization packages of a complete image: this VM has no SSH",
}
"""Rows that are read and checked, but change nothing that happens on the images there are; with the reason."""

ROWS = tuple(row for row in VARIABLES if row.categories)
IMAGE = '[flower]\nversion = "1.36.0"\ngeneration = "1.36"\n[framework]\nname = "{}"\n'
PLAIN = {"FL_TLS_ENABLED": "NO", "FL_SUPERLINK_ADDRESS": "127.0.0.1:9092"}

GOOD_AND_BAD: dict[str, tuple[str, str | None]] = {
    "V1": ("1.25.0", "1.25"),
    "V2": ("7", "0"),
    "V3": ("FedAdam", "fedadam"),
    "V4": ("3", "0"),
    "V5": ("3", "-1"),
    "V6": ("5", "many"),
    "V7": ("127.0.0.1:19092", "19092"),
    "V8": ("127.0.0.1:19093", "127.0.0.1:70000"),
    "V9": ("process", "thread"),
    "V10": ("state/other.db", "/opt/other.db"),
    "V11": ("DEBUG", "debug"),
    "V12": ("0.5", "-0.5"),
    "V13": ("0.5", "0"),
    "V14": ("0.25", "1e-2"),
    "V15": ("0", "-1"),
    "V16": ("0.3", "0.5"),
    "V17": ("YES", "yes"),
    "V18": ("2", "0"),
    "V19": ("/app/models", None),
    "V20": ("45", "0"),
    "V21": ("7", "1.5"),
    "V22": ("DNS:fl.example.org", "fl.example.org"),
    "V23": ("YES", "true"),
    "V24": ("9200", "9092"),
    "V25": ("1.25.0", "latest"),
    "V26": ("127.0.0.9:9092", "127.0.0.9"),
    "V27": ("partition-id=3 num-partitions=9", "partition-id"),
    "V28": ("4", "-1"),
    "V29": ("90", "1m"),
    "V30": ("process", "none"),
    "V31": ("ERROR", "FATAL"),
    "V32": ("yes", "1"),
    "V33": ("0,1", "0 1"),
    "V34": ("0.5", "1.5"),
    "V35": ("YES", "yes"),
    "V36": ("fixed", "linear"),
    "V37": ("60", "0"),
    "V38": ("YES", "NO"),
    "V39": ("YES", "NO"),
    "V40": ("YES", "NO"),
    "V41": ("/opt/flower/scripts/health-check.sh", "/bin/true"),
    "V42": ("ssh-ed25519 AAAA somebody", None),
    "V43": ("json", "xml"),
    "V44": ("yes", "on"),
    "V45": ("CA", "x"),
    "V46": ("CERTIFICATE", "x"),
    "V47": ("KEY", "x"),
    "V48": ("sklearn", "jax"),
}
"""A value in force and one that is refused (None: any text is good). V45 to V47 name the files of a generated CA."""


class Services:
    """Runs nothing; the boot's last step believes that it does."""

    def install(self, appliance: Appliance, paths: Paths) -> str:
        return f"{appliance} below {paths.root}"

    def start(self, appliance: Appliance, paths: Paths) -> None:
        """Nothing."""


@dataclass
class Plan:
    """What a boot left to the supervisor."""

    boot: Boot
    launch: Launch
    paths: Paths

    def flag(self, name: str) -> str:
        arguments = self.launch.arguments
        return arguments[arguments.index(name) + 1]

    @property
    def log(self) -> str:
        return self.boot.log.path.read_text()


def planned(
    appliance: Appliance, directory: Path, given: Mapping[str, str], *, framework: str = "sklearn", edge: bool = False
) -> Plan:
    """Runs a boot in `directory` up to the start of Flower. Raises BootFailedError."""
    paths = Paths(directory)
    values = {**PLAIN, "ETH0_IP": "127.0.0.1", **given}
    files.write(paths.one_env, "".join(f"export {key}={shlex.quote(value)}\n" for key, value in values.items()), 0o400)
    mark = "edge = true\n" if edge else ""
    files.write(paths.environment / "image.toml", mark + IMAGE.format(framework), 0o644)
    files.write(paths.environment / "bin" / "python", "#!/bin/sh\n", 0o755)
    log = BootLog(paths.logs / "flower-bootstrap.log")
    boot: SuperLinkBoot | SuperNodeBoot
    if appliance == "superlink":
        boot = SuperLinkBoot(paths, log)
        boot.services = Services()
        steps.run([step for step in superlink.STEPS if step.number not in {"11", "12"}], boot, log)
    else:
        boot = SuperNodeBoot(paths, log)
        boot.services = Services()
        steps.run([step for step in supernode.STEPS if step.number not in {"12", "13"}], boot, log)
    return Plan(boot, Launch.load(paths.launch_file), paths)


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that says where its files are by `planned` alone, and that has a GPU."""
    monkeypatch.delenv("ONE_ENV", raising=False)
    monkeypatch.setattr(gpu, "detect", lambda: "a GPU")


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """A SuperLink with generated certificates and one more name in them."""
    values = {"FL_TLS_ENABLED": "yes", "FL_CERT_EXTRA_SAN": GOOD_AND_BAD["V22"][0]}
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("ONE_ENV", raising=False)
        return planned("superlink", tmp_path_factory.mktemp("secure"), values)


def material(secure: Plan) -> dict[str, str]:
    """The values of V45 to V47: base64 of the files that another SuperLink has generated."""
    found = secure.boot.material
    pairs = {"FL_SSL_CA_CERTFILE": found.ca, "FL_SSL_CERTFILE": found.server, "FL_SSL_KEYFILE": found.server_key}
    return {name: base64.b64encode(path.read_bytes()).decode() for name, path in pairs.items()}


def test_all_48_rows_are_here() -> None:
    assert len(ROWS) == 48
    assert [row.number for row in ROWS] == list(GOOD_AND_BAD)
    assert set(WITHOUT_EFFECT) <= set(GOOD_AND_BAD)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.number}-{row.name}")
def test_values(row: Variable, secure: Plan) -> None:
    good, bad = GOOD_AND_BAD[row.number]
    values = {**material(secure), "FL_TLS_ENABLED": "YES"} if row.form.material else {row.name: good}
    for appliance in row.appliances:
        assert validate(appliance, values, material=True) == []
        assert effective(appliance, {})[row.name] == row.default
        assert row.default == "" or row.form.accepts(row.default)
        assert row.reference_default == "" or row.form.accepts(row.reference_default)
        wrong = [] if bad is None else validate(appliance, {row.name: bad}, material=True)
        assert [each.variable for each in wrong] == ([] if bad is None else [row.name])


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.number}-{row.name}")
def test_level_and_what_the_value_becomes(row: Variable, tmp_path: Path, secure: Plan) -> None:
    assert (row.level is Level.CONTEXT) == (row.maps_to.target is Target.GUEST)
    assert row.level is Level.SERVICE or row.level is Level.CONTEXT or len(row.appliances) == 1
    CHECKS.get(row.number, BY_TARGET.get(row.maps_to.target, untested))(Case(row, tmp_path, secure))


@dataclass(frozen=True)
class Case:
    """One row, an empty directory for its machines, and a SuperLink with TLS."""

    row: Variable
    directory: Path
    secure: Plan

    @property
    def good(self) -> str:
        return GOOD_AND_BAD[self.row.number][0]

    @property
    def values(self) -> dict[str, str]:
        """The good value, and what the row needs to count."""
        needs = {self.row.active_if.variable: self.row.active_if.values[0]} if self.row.active_if else {}
        return {**needs, self.row.name: self.good}


Check = Callable[[Case], None]


def untested(case: Case) -> None:
    raise AssertionError(f"{case.row.number} has no check in this file")


def is_the_flag(case: Case) -> None:
    for appliance in case.row.appliances:
        assert planned(appliance, case.directory / appliance, case.values).flag(case.row.maps_to.name) == case.good


def is_in_the_environment(case: Case) -> None:
    for appliance in case.row.appliances:
        plan = planned(appliance, case.directory / appliance, case.values)
        assert plan.launch.environment[case.row.maps_to.name] == case.good


def is_in_the_run_config(case: Case) -> None:
    assert run_config(case.values)[case.row.maps_to.name] == ("true" if case.good == "YES" else case.good)
    assert planned("superlink", case.directory, case.values).launch.program == "flower-superlink"


def is_the_channel_option(case: Case) -> None:
    milliseconds = int(case.good) * 1000
    server = planned("superlink", case.directory / "link", case.values).launch.server_options
    client = planned("supernode", case.directory / "node", case.values).launch.client_options
    assert server[case.row.maps_to.name] == client[case.row.maps_to.name] == milliseconds


def is_for_the_guest(case: Case) -> None:
    """The contextualization reads it under its own name; to the launch it is nothing."""
    assert case.row.maps_to.name == case.row.name
    plain = planned("superlink", case.directory, {}).launch
    assert planned("superlink", case.directory, case.values).launch == plain


def is_only_a_warning(case: Case) -> None:
    for appliance in case.row.appliances:
        directory = case.directory / appliance
        plain = planned(appliance, directory, case.values | {case.row.name: case.row.default}).launch
        plan = planned(appliance, directory, case.values)
        assert plan.launch == plain
        assert f"{case.row.name}={case.good}" in plan.log


def is_the_database(case: Case) -> None:
    plan = planned("superlink", case.directory, case.values)
    assert plan.flag("--database") == str(plan.paths.flower / "state" / "other.db")


def makes_its_directory(case: Case) -> None:
    is_in_the_run_config(case)
    assert (case.directory / "opt" / "flower" / "models").is_dir()


def is_a_name_of_the_certificate(case: Case) -> None:
    certificate = x509.load_pem_x509_certificate(case.secure.boot.material.server.read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost", "fl.example.org"]


def needs_a_gpu(case: Case) -> None:
    """All GPUs are visible when nothing says otherwise; without this row none is mentioned at all."""
    devices = {"FL_CUDA_VISIBLE_DEVICES": "1"}
    on = planned("supernode", case.directory, {**case.values, **devices}).launch.environment
    off = planned("supernode", case.directory, devices).launch.environment
    assert on == {**off, "CUDA_VISIBLE_DEVICES": "1"}
    assert "CUDA_VISIBLE_DEVICES" not in planned("supernode", case.directory, case.values).launch.environment


def is_for_pytorch(case: Case) -> None:
    frameworks = {"pytorch": "0.5", "tensorflow": None, "sklearn": None}
    for framework, value in frameworks.items():
        plan = planned("supernode", case.directory / framework, case.values, framework=framework)
        assert plan.launch.environment.get("FL_GPU_MEMORY_FRACTION") == value
        growth = plan.launch.environment.get("TF_FORCE_GPU_ALLOW_GROWTH")
        assert growth == ("true" if framework == "tensorflow" else None)


def needs_containers(case: Case) -> None:
    plain = planned("supernode", case.directory, {"FL_GPU_ENABLED": "YES"}).launch
    plan = planned("supernode", case.directory, case.values)
    assert plan.launch == plain
    assert "[WARNING] [flower-bootstrap] step 14a gpu-metrics failed" in plan.log


def backs_off_on_an_edge_image(case: Case) -> None:
    boots = {
        edge: planned("supernode", case.directory / str(edge), case.values, edge=edge).boot for edge in (True, False)
    }
    fixed = Backoff(30, 10.0, 10.0)
    expected = fixed if case.row.number == "V36" else Backoff(None, 10.0, 60.0)
    assert {edge: boot.backoff for edge, boot in boots.items() if isinstance(boot, SuperNodeBoot)} == {
        True: expected,
        False: fixed,
    }


def formats_the_log(case: Case) -> None:
    for appliance in case.row.appliances:
        plan = planned(appliance, case.directory / appliance, case.values)
        assert find(plan.paths).environment(plan.launch, "mark", 9)["FEDSTACK_LOG_FORMAT"] == "json"


def switches_tls(case: Case) -> None:
    assert "--insecure" not in case.secure.launch.arguments
    assert case.secure.flag("--ssl-keyfile") == str(case.secure.boot.material.server_key)
    assert "--enable-supernode-auth" in case.secure.launch.arguments
    assert planned("superlink", case.directory / "link", {}).launch.arguments[0] == "--insecure"
    with pytest.raises(BootFailedError, match="TLS is on and there is no CA"):
        planned("supernode", case.directory / "node", case.values)


def is_the_trusted_ca(case: Case) -> None:
    values = {"FL_TLS_ENABLED": "YES", case.row.name: material(case.secure)[case.row.name]}
    plan = planned("supernode", case.directory, values)
    assert Path(plan.flag("--root-certificates")).read_bytes() == case.secure.boot.material.ca.read_bytes()
    is_the_operators_file(replace(case, directory=case.directory / "link"))


def is_the_operators_file(case: Case) -> None:
    flag = case.row.maps_to.name if case.row.maps_to.target is Target.FLAG else "--ssl-ca-certfile"
    plan = planned("superlink", case.directory, {**material(case.secure), "FL_TLS_ENABLED": "YES"})
    placed = Path(plan.flag(flag))
    assert placed.parent == plan.paths.certificates
    assert base64.b64encode(placed.read_bytes()).decode() == material(case.secure)[case.row.name]
    assert placed.stat().st_mode & 0o777 == (0o600 if case.row.secret else 0o644)


def has_to_be_the_images(case: Case) -> None:
    assert planned("supernode", case.directory, case.values).launch.program == "flower-supernode"
    with pytest.raises(BootFailedError, match="ML_FRAMEWORK='sklearn': expected pytorch, which the image has"):
        planned("supernode", case.directory, case.values, framework="pytorch")


BY_TARGET: dict[Target, Check] = {
    Target.FLAG: is_the_flag,
    Target.ENVIRONMENT: is_in_the_environment,
    Target.RUN_CONFIG: is_in_the_run_config,
    Target.CHANNEL: is_the_channel_option,
    Target.GUEST: is_for_the_guest,
}
"""What a value becomes, by the word of the registry alone."""

CHECKS: dict[str, Check] = {
    "V1": is_only_a_warning,
    "V10": is_the_database,
    "V19": makes_its_directory,
    "V22": is_a_name_of_the_certificate,
    "V25": is_only_a_warning,
    "V32": needs_a_gpu,
    "V34": is_for_pytorch,
    "V35": needs_containers,
    "V36": backs_off_on_an_edge_image,
    "V37": backs_off_on_an_edge_image,
    "V43": formats_the_log,
    "V44": switches_tls,
    "V45": is_the_trusted_ca,
    "V46": is_the_operators_file,
    "V47": is_the_operators_file,
    "V48": has_to_be_the_images,
}
"""Rows that become something else than a flag, a variable or an option of that very value."""
