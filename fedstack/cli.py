"""`fedstack ...`: the one place where the parts of the package meet.

Exit codes: 0 done, 1 failed, 2 bad input, 130 interrupted; `train` passes on the run's own.
"""

import json
import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fedstack.localcloud import control
from fedstack.localcloud.cli import app as cloud
from fedstack.localcloud.hypervisors import ImageError
from fedstack.operations.environment import Project, find_project, is_local, settings
from fedstack.operations.errors import BadInputError, OperationError
from fedstack.operations.stack import Stack
from fedstack.training.errors import TrainingError

if TYPE_CHECKING:
    from fedstack.operations.superlink import SuperLink

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)
app.add_typer(cloud, name="cloud")

StackName = Annotated[str, typer.Option("--stack", "-s", help="Pulumi stack.")]
ReportFile = Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write the report there.")]
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


def _superlink(target: Stack) -> "SuperLink":
    from fedstack.operations.cloud_client import Access
    from fedstack.operations.superlink import find

    return find(Access.from_environment(target.environment), int(target.outputs()["serviceId"]))


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


@app.command("rotate-certs")
def rotate_certs(
    stack: StackName = "dev",
    force: Annotated[bool, typer.Option("--force", help="Also while a run is active; that run is lost.")] = False,
    as_json: AsJson = False,
) -> None:
    """Give a running federation new certificates: those of the configuration as deployed, else generated ones.

    Killed in between, the rotation goes on in the SuperLink's VM; the same command follows it.
    """
    from dataclasses import asdict

    from fedstack.operations.rotation import rotate

    target = _stack(stack)
    declared = target.outputs().get("certificates") or {}
    answer = rotate(target, _superlink(target), declared, force, lambda line: print(line, file=sys.stderr, flush=True))
    if as_json:
        _print_json(asdict(answer))
    else:
        print(f"certificates rotated: {answer.text}")


@app.command("enrol")
def enrol(
    key_file: Annotated[
        str | None, typer.Argument(metavar="PUBLIC_KEY_FILE|-", help="FL_NODE_PUBLIC_KEY of the SuperNode; - is stdin.")
    ] = None,
    show: Annotated[bool, typer.Option("--list", help="List the keys of all SuperNodes.")] = False,
    revoke: Annotated[str | None, typer.Option(metavar="FINGERPRINT", help="Take the right to connect away.")] = None,
    stack: StackName = "dev",
    as_json: Annotated[bool, typer.Option("--json", help="Print the list as JSON.")] = False,
) -> None:
    """Let a SuperNode connect that OneGate does not reach: one of another zone, or a VM of its own."""
    from fedstack.operations import enrolment

    if sum((key_file is not None, show, revoke is not None)) != 1:
        raise BadInputError("expected one of PUBLIC_KEY_FILE (or -), --list, --revoke FINGERPRINT")
    text = enrolment.read_file(key_file) if key_file is not None else ""
    link = _superlink(_stack(stack))
    if show:
        found = enrolment.enrolled(link)
        if as_json:
            _print_json([each.as_dict() for each in found])
        else:
            print(*(f"{each.fingerprint}  {each.state:10}  {each.node}" for each in found), sep="\n")
    elif revoke is not None:
        enrolment.revoke(link, revoke)
        print(f"key {revoke.lower()} revoked")
    else:
        print(f"key {enrolment.enrol(link, text)} registered")


@app.command("preview-report")
def preview_report(
    stack: StackName = "dev",
    out: ReportFile = None,
    fail_on_restart: Annotated[
        bool, typer.Option("--fail-on-restart", help="Exit 4 when a running VM would end or boot anew.")
    ] = False,
) -> None:
    """Preview a stack with the policy pack and write Markdown for a pull request.

    Exit codes: 0 may be deployed, 1 the preview failed, 2 bad input, 3 blocked by a mandatory policy.
    """
    from fedstack.review import command

    raise typer.Exit(command.preview(_stack(stack), out, fail_on_restart))


@app.command("comment")
def comment(
    report: Annotated[Path, typer.Argument(metavar="FILE", help="A report, as `preview-report` or `drift` wrote it.")],
) -> None:
    """Put a report on the pull request of this CI job (GitHub Actions, GitLab CI): made once, edited from then on."""
    from fedstack.review.comment import read, thread

    print(f"comment {thread().put(read(report))}")


@app.command("drift")
def drift(stack: StackName = "dev", out: ReportFile = None) -> None:
    """Compare a stack's state with what the cloud really has; nothing is changed.

    Exit codes: 0 no drift, 7 drift, 1 it could not be read, 2 bad input.
    """
    from fedstack.review import command

    raise typer.Exit(command.drift(_stack(stack), out))


@app.command("resume")
def resume(stack: StackName = "dev") -> None:
    """Go on after a killed `pulumi up`: clear what it left on this machine, then cancel, up, refresh.

    The same as `pulumi cancel`, `pulumi up` and `pulumi refresh --clear-pending-creates`, without any question. Killed
    itself, it goes on when it is called again; on a stack that is as declared, it changes nothing.
    """
    from fedstack.operations.resume import resume as go_on

    go_on(_stack(stack), lambda line: print(line, file=sys.stderr, flush=True))


@app.command("adopt")
def adopt(
    service_id: Annotated[int, typer.Argument(min=0, help="Number of a service that somebody made by hand.")],
    stack: StackName = "dev",
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FOLDER", help="Where to write [.fedstack/adopt/SERVICE_ID].")
    ] = None,
) -> None:
    """Write what makes a service the stack's own: its configuration, an import file, and what the rules say of it.

    Nothing on the platform changes. Exit codes: 0 the federation component declares it, 3 a program of plain resources
    does, 1 it cannot be adopted, 2 bad input.
    """
    from fedstack.operations.adopt import command

    raise typer.Exit(command.adopt(_stack(stack), service_id, out, print))


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
    """Judge OneFlow templates by the policy rules: FILE|DIR... or --live [--format text|json|sarif] [--config FILE]."""
    from fedstack.rules.lint.command import main as judge

    raise typer.Exit(judge(context.args))


def main() -> None:
    """Runs the command line; every failure that users can meet ends with one message."""
    try:
        if sys.argv[1:2] == ["lint"]:  # most of its time would be the parser that the other commands share
            from fedstack.rules.lint.command import main as judge

            sys.exit(judge(sys.argv[2:]))
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
