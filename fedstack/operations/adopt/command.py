"""`fedstack adopt`: finds out how a service can become a stack's, and writes what that takes."""

import secrets
import shlex
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from fedstack.context import named
from fedstack.operations.adopt import federation, files
from fedstack.operations.adopt.found import Found, read
from fedstack.operations.adopt.trial import IMPORT, RefusedError, Resources, Trial, import_file, scratch
from fedstack.operations.cloud_client import Access
from fedstack.operations.errors import BadInputError, OperationError
from fedstack.operations.stack import Stack
from fedstack.rules import config as levels
from fedstack.rules.catalogue import check

AS_FEDERATION, AS_PROGRAM = 0, 3
"""Exit codes: the stack's own program declares the service; a program of plain resources does."""

Say = Callable[[str], None]
Settings = Mapping[str, Any]


def adopt(stack: Stack, service_id: int, out: Path | None, say: Say) -> int:
    """Reads a service, judges it, writes what adopting it takes and says the commands; an exit code.

    Nothing on the platform changes. Raises OperationError.
    """
    config = stack.project.stack_config(stack.name)
    files.refuse_second_federation(stack.name, config)
    found = read(Access.from_environment(stack.environment), service_id)
    folder = (out or stack.project.private / "adopt" / str(service_id)).absolute()
    for line in _verdict(stack, found):
        say(line)
    settings = files.endpoint_settings(config)
    reasons, resources = _as_federation(stack, found, settings)
    if not reasons:
        _write_federation(stack, found, folder, resources, say)
        return AS_FEDERATION
    say("the federation component does not declare this service as it is:")
    for reason in reasons:
        say(f"  {reason}")
    _write_program(stack, found, folder, settings, say)
    return AS_PROGRAM


def _verdict(stack: Stack, found: Found) -> Iterator[str]:
    """What the policy rules say about the template, at the levels of the stack."""
    file = stack.project.root / f"policies/{stack.name}.json"
    try:
        chosen = levels.read(file) if file.exists() else levels.Config()
    except levels.ConfigError as error:
        raise BadInputError(str(error)) from None
    violations = check(found.template, chosen.rules(), chosen.options)
    yield f"rules: {len(violations)} remarks on service template {found.template_id}"
    for each in violations:
        yield f"  {chosen.level(each.rule).value} [{each.rule.id}] {each}"


def _as_federation(stack: Stack, found: Found, config: Settings) -> tuple[list[str], Resources]:
    """Why the stack's program cannot declare it, or nothing and what to import."""
    if reasons := federation.obstacles(found, stack.name):
        return reasons, []
    chosen = {**config, files.FEDERATION: federation.settings(found, stack.name)}
    with scratch() as folder:
        try:
            trial = Trial.of_program(folder, stack, chosen)
            resources = files.filled(trial.declared(), found, found.mark or secrets.token_hex(8))
            trial.imported(resources, "--generate-code=false")
            return trial.differences(), resources
        except RefusedError as error:
            return str(error).splitlines(), []


def _write_federation(stack: Stack, found: Found, folder: Path, resources: Resources, say: Say) -> None:
    file = stack.project.root / f"Pulumi.{stack.name}.yaml"
    settings = federation.settings(found, stack.name)
    variables = settings.pop("variables", {})
    hidden = {name for name in variables if any(row.secret for row in named(name))}
    shown = {name: value for name, value in variables.items() if name not in hidden}
    file.write_text(files.with_federation(file.read_text(), {**settings, **({"variables": shown} if shown else {})}))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / "import.json").write_text(import_file(resources))
    say(f"{file.name}: {files.FEDERATION} declares the service; nothing else has to change")
    for name in sorted(hidden):
        path = f"{files.FEDERATION}.variables.{name}"
        say(f"a secret is left out; set it first: pulumi config set --stack {stack.name} --secret --path {path}")
    _say_commands(stack, folder / "import.json", "", say)


def _write_program(stack: Stack, found: Found, folder: Path, config: Settings, say: Say) -> None:
    """A program of plain resources whose code Pulumi writes; raises OperationError when even that shows a change."""
    resources, name = files.plain_resources(found), files.word(found.name)
    with scratch() as place:
        try:
            project = files.plain_project(name, place, stack.project)
            (place / "Pulumi.yaml").write_text(yaml.safe_dump(project))
            (place / "__main__.py").touch()
            trial = Trial.of_folder(place, stack, config)
            trial.imported(resources, "--out", "__main__.py")
            different = trial.differences()
        except RefusedError as error:
            different = str(error).splitlines()
        if different:
            raise OperationError(
                f"service {found.service_id} cannot be adopted without changes: {'; '.join(different)}"
            )
        code = (place / "__main__.py").read_text()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    project = files.plain_project(name, folder, stack.project)
    (folder / "Pulumi.yaml").write_text(yaml.safe_dump(project, sort_keys=False))
    (folder / f"Pulumi.{stack.name}.yaml").write_text(yaml.safe_dump({"config": dict(config)}))
    (folder / "__main__.py").write_text(code)
    (folder / "import.json").write_text(import_file(resources))
    say(f"{folder}: a program of plain resources declares it instead")
    _say_commands(stack, folder / "import.json", f"cd {shlex.quote(str(folder))} && ", say)


def _say_commands(stack: Stack, file: Path, place: str, say: Say) -> None:
    options = " ".join((*IMPORT, "--generate-code=false"))
    say("to adopt it (no VM is touched):")
    say(f'  eval "$(fedstack env --stack {stack.name})"')
    say(f"  {place}pulumi stack select --create {stack.name}")
    say(f"  pulumi import --stack {stack.name} --file {shlex.quote(str(file))} {options}")
    say(f"  pulumi preview --stack {stack.name} --expect-no-changes")
