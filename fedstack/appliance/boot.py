"""What the boots of both roles share: the state of a boot in progress, and the steps that are the same."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import TypeVar

from fedstack.appliance import context, facts, files, health, onegate, runtime, services, steps
from fedstack.appliance.bootlog import BootLog
from fedstack.appliance.certificates import Material
from fedstack.appliance.context import Context
from fedstack.appliance.failure import ErrorCode, StepError
from fedstack.appliance.generations.keepalive import Keepalive
from fedstack.appliance.launch import Launch
from fedstack.appliance.onegate import GateError, OneGate
from fedstack.appliance.paths import Paths
from fedstack.appliance.runtime import Runtime
from fedstack.appliance.steps import Step
from fedstack.context import Appliance, advice, validate, without_effect
from fedstack.processes import start_time


class Boot:
    """A boot in progress. Steps fill it in; a step may rely on what an earlier one of the table has set."""

    appliance: Appliance
    context: Context
    runtime: Runtime
    launch: Launch

    def __init__(self, paths: Paths, log: BootLog) -> None:
        self.paths = paths
        self.log = log
        self.gate: OneGate | None = None
        self.services = services.choose()

    @property
    def material(self) -> Material:
        """This VM's TLS files."""
        return Material(self.paths.certificates)

    @property
    def keepalive(self) -> Keepalive:
        """The ping intervals of this VM's connections."""
        time, timeout = (self.context.get(f"FL_GRPC_KEEPALIVE_{name}") for name in ("TIME", "TIMEOUT"))
        return Keepalive(int(time), int(timeout))

    def contextualization(self) -> str:
        """Step 1: the platform's packages have written the context."""
        if not self.paths.one_env.exists():
            raise StepError(f"{self.paths.one_env} does not exist: this VM was not contextualized")
        for old in (self.paths.outcome_file, self.paths.status_file, self.paths.facts_file):
            old.unlink(missing_ok=True)
        health.write_script(self.appliance, self.paths)
        return str(self.paths.one_env)

    def note_start(self) -> str:
        """Step 2 of a SuperLink: the start script has launched this program."""
        age = time.clock_gettime(time.CLOCK_BOOTTIME) - (start_time(os.getpid()) or 0) / os.sysconf("SC_CLK_TCK")
        return f"fedstack {version('fedstack')}, process {os.getpid()}, {age:.2f} s old"

    def source_context(self) -> str:
        """Reads the context, with our defaults for what is unset; finds OneGate."""
        self.context = context.read(self.appliance, self.paths)
        self.gate = onegate.connect(self.context)
        return f"{len(self.context.given)} variables, OneGate {'available' if self.gate else 'not available'}"

    def validate(self) -> str:
        """Every variable is looked at, every violation is named, then the boot ends (reference 2.7)."""
        if violations := validate(self.appliance, self.context.given):
            raise StepError("; ".join(map(str, violations)))
        for hint in advice(self.appliance, self.context.values):
            self.log.warning(str(hint))
        for note in without_effect(self.appliance, self.context.values):
            self.log.info(note)
        return "all variables are valid"

    def environment(self) -> str:
        """Finds the image's environment and makes the place for what Flower is started with."""
        self.runtime = runtime.find(self.paths)
        files.make_directory(self.paths.config, 0o750)
        return f"Flower {self.runtime.version} with {self.runtime.framework}"

    def install_service(self) -> str:
        """Makes the supervisor known to whoever runs services here."""
        return self.services.install(self.appliance, self.paths)

    def check_runtime(self) -> str:
        """Waits for the runtime that Flower runs in."""
        self.runtime.check()
        return self.runtime.python

    def check_version(self) -> str:
        """The version that FLOWER_VERSION wants; another one than the image's is not fetched, only said."""
        wanted, baked = self.context.get("FLOWER_VERSION"), self.runtime.version
        if wanted != baked:
            raise StepError(f"FLOWER_VERSION={wanted} is not in the image: Flower {baked} is used")
        return f"Flower {baked} is in the image"

    def start_service(self, announcement: Mapping[str, str]) -> str | None:
        """Hands the launch, and what is to be published, to the supervisor and starts that."""
        self.launch.save(self.paths.launch_file)
        facts.save(self.paths, announcement)
        self.services.start(self.appliance, self.paths)
        return self.launch.program

    def publish(self, attributes: dict[str, str]) -> str:
        """One PUT to OneGate. Raises StepError when that is there and refuses."""
        if not self.gate:
            return "no OneGate: nothing is published"
        try:
            self.gate.publish(attributes)
        except GateError as error:
            raise StepError(str(error)) from None
        return " ".join(attributes)

    def failed(self, code: ErrorCode, message: str) -> None:
        """Says why this VM is not ready, if that is possible, and keeps it."""
        try:
            self.publish(facts.failure(self.appliance, code, message))
        except StepError as error:
            self.log.warning(f"the failure could not be published: {error}")
        health.write_outcome(self.paths, message)
        self._recover()

    def _recover(self) -> None:
        """Flower may have connected between the last look of the boot and the record of its failure."""
        try:
            if facts.recover(self.paths, self.gate):
                self.log.info("connected after all: the failure was taken back")
        except (GateError, OSError) as error:
            self.log.warning(f"connected after all, but the facts could not be published: {error}")

    def succeeded(self) -> None:
        """Keeps that the boot went well, and takes the error of an earlier one back."""
        try:
            if self.gate:
                facts.clear_failure(self.gate)
        except GateError as error:
            self.log.warning(f"an earlier failure could not be taken back: {error}")
        health.write_outcome(self.paths, None)


AnyBoot = TypeVar("AnyBoot", bound=Boot)


def run(table: Sequence[Step[AnyBoot]], boot: AnyBoot) -> int:
    """Runs a boot to its end and keeps its outcome; the exit status of the process."""
    boot.log.info(f"boot of {boot.appliance} begins")
    try:
        steps.run(table, boot, boot.log)
    except steps.BootFailedError as error:
        boot.failed(error.code, str(error))
        return 1
    boot.succeeded()
    boot.log.info(f"boot of {boot.appliance} is complete")
    return 0
