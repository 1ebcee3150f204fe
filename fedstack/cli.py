"""`fedstack ...`: the one place where the parts of the package meet.

Exit codes: 0 done, 1 failed, 2 bad input, 130 interrupted; `train` passes on the run's own.
"""

import json
import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from fedstack.localcloud import control
from fedstack.localcloud.cli import app as cloud
from fedstack.localcloud.hypervisors import ImageError
from fedstack.operations.environment import Project, find_project, is_local, settings
from fedstack.operations.errors import OperationError
from fedstack.operations.stack import Stack
from fedstack.training.errors import TrainingError

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)
app.add_typer(cloud, name="cloud")

StackName = Annotated[str, typer.Option("--stack", "-s", help="Pulumi stack.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.callback(help="Flower federated learning on OpenNebula: operate a deployed stack and its local cloud.")
def root(context: typer.Context) -> None:
    """Tells the commands of the local cloud where this project keeps its state."""
    context.obj = lambda: find_project(Path.cwd()).cloud_state


def _cloud_status(project: Project) -> Mapping[str, Any]:
    return control.status(project.cloud_state)


def _stack(name: str) -> Stack:
    project = find_project(Path.cwd())
    return Stack(project, name, settings(project, name, _cloud_status(project)))


def _print_json(value: object) -> None:
    print(json.dumps(value, indent=2, default=str))


@app.command("env")
def env(stack: StackName = "dev") -> None:
    """Print the settings that Pulumi needs for a stack: `eval "$(fedstack env)"`."""
    for key, value in _stack(stack).settings.items():
        print(f"export {key}={shlex.quote(value)}")


@app.command("train")
def train(
    app_folder: Annotated[Path, typer.Argument(metavar="APP", help="Folder of a Flower app, e.g. examples/digits.")],
    stack: StackName = "dev",
    setting: Annotated[
        list[str] | None, typer.Option("--set", help="A run-config value, key=value; repeatable.")
    ] = None,
    as_json: AsJson = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show Flower's own log too.")] = False,
) -> None:
    """Train an app on the federation: a line a round, metrics and a curve under .fedstack/runs."""
    from fedstack import training
    from fedstack.operations.runs import run

    target = _stack(stack)
    overrides = training.parse_settings(setting or [])
    lines = sys.stderr if as_json else sys.stdout
    result = run(
        target,
        app_folder,
        overrides,
        on_round=lambda one: print(training.round_line(one), file=lines, flush=True),
        on_log=lambda line: print(line, file=sys.stderr, flush=True) if verbose else None,
    )
    if as_json:
        _print_json(training.as_dict(result))
    if result.error:
        _fail(result.error, result.exit_code)
    if not as_json:
        print(f"results: {os.path.relpath(result.directory)}")
        print(training.final_line(result))


@app.command("status")
def status(
    stack: StackName = "dev",
    as_json: AsJson = False,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Show it again every second until Ctrl-C.")] = False,
) -> None:
    """Show the federation: roles, nodes and what they published."""
    from fedstack.operations import status as federation_status

    read = _federation_reader(_stack(stack))
    if as_json:
        _print_json(read().as_dict())
    elif watch:
        federation_status.watch(read)
    else:
        federation_status.show(read())


def _federation_reader(target: Stack) -> Any:
    from functools import partial

    from fedstack.operations import status as federation_status
    from fedstack.operations.cloud_client import Access

    access = Access.from_environment(target.environment)
    return partial(federation_status.read, access, int(target.outputs()["serviceId"]))


@app.command("scale")
def scale(
    count: Annotated[int, typer.Argument(min=0, help="How many nodes the role shall have.")],
    role: Annotated[str, typer.Option(help="The elastic role.")] = "supernode",
    stack: StackName = "dev",
) -> None:
    """Change the number of SuperNodes: in the stack's configuration, then by `pulumi up`."""
    from fedstack.operations import scale as scaling

    target = _stack(stack)
    scaling.check(_federation_reader(target)(), role, count)
    raise typer.Exit(scaling.scale(target, count))


@app.command("doctor")
def doctor(stack: StackName = "dev") -> None:
    """Say what is missing on this machine and which command mends it."""
    from fedstack.operations.doctor import examine

    project = find_project(Path.cwd())
    findings = examine(project, _cloud_status(project), is_local(project, stack, os.environ))
    width = max(len(finding.subject) for finding in findings)
    for finding in findings:
        mark = "ok     " if finding.fine else "MISSING"
        print(f"{mark}  {finding.subject:<{width}}  {finding.found}")
        if finding.remedy:
            print(f"{'':>{width + 11}}-> {finding.remedy}")
    raise typer.Exit(0 if all(finding.fine for finding in findings) else 1)


@app.command("lint", add_help_option=False, context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def lint(context: typer.Context) -> None:
    """Judge OneFlow templates by the policy rules: FILE|DIR... [--format text|json|sarif] [--config FILE]."""
    from fedstack.rules.lint.command import main as judge

    raise typer.Exit(judge(context.args))


def main() -> None:
    """Runs the command line; every failure that users can meet ends with one message."""
    if sys.argv[1:2] == ["lint"]:  # most of its time would be the parser that the other commands share
        from fedstack.rules.lint.command import main as judge

        sys.exit(judge(sys.argv[2:]))
    try:
        app()
    except (OperationError, TrainingError) as error:
        _fail(str(error), error.exit_code)
    except control.OptionsError as error:
        _fail(str(error), 2)
    except (control.CloudError, ImageError) as error:
        _fail(str(error), 1)


def _fail(message: str, code: int) -> None:
    print(f"fedstack: {message}", file=sys.stderr)
    sys.exit(code)
