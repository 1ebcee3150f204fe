"""One training run, from the app's folder to its curve."""

import json
import re
import signal
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from typing import Any

from fedstack.training.app import App, read_app
from fedstack.training.connection import NAME, Connection, probe
from fedstack.training.errors import FAILED, TrainingError
from fedstack.training.failure import FailureReader
from fedstack.training.flower import INTERRUPTED, CommandFailedError, Flower
from fedstack.training.generations import Target, prepare
from fedstack.training.interrupts import Request, requests
from fedstack.training.record import draw_curve, load_plotter, write_metrics
from fedstack.training.result import COMPLETED, LOST, STOPPED, Result
from fedstack.training.rounds import Round, RoundReader, plain
from fedstack.training.runconfig import for_app
from fedstack.training.toml import Value, document

STARTED = re.compile(r"Successfully started run (\d+)")
PROGRESS = re.compile(r"^(Loading project configuration|Success$|Creating a new `).*\n", re.MULTILINE)
"""What ``flwr run`` of 1.25 says before the error that it does not call one."""


def train(
    app: Path,
    connection: Connection,
    environment: Path,
    run_config: Mapping[str, str],
    runs_dir: Path,
    *,
    settings: Mapping[str, str] | None = None,
    on_round: Callable[[Round], None] = lambda _: None,
    on_log: Callable[[str], None] = lambda _: None,
) -> Result:
    """Run the Flower app in the folder ``app`` on a federation and follow it to its end.

    ``environment`` is the folder of the image's virtual environment. ``run_config`` is the stack's (keys that the app
    does not declare are left out), ``settings`` the user's (they must be declared). The files of the run are in
    ``runs_dir/<run id>``. Ctrl-C or SIGTERM stops the run; the result's exit code says so.

    Raises:
        TrainingError: nothing was started; or Flower could not be run.
    """
    source = read_app(app)
    overrides, ignored = for_app(source, run_config, settings or {})
    with tempfile.TemporaryDirectory(prefix="fedstack-flower-") as folder:
        home = Path(folder)
        target = prepare(environment, home, source, connection)
        with Flower(environment, home) as flower:
            probe(connection)
            file = home / "run-config.toml"
            file.write_text(document(overrides), encoding="utf-8")
            following = _Following(source, {**source.defaults, **overrides}, flower, target, runs_dir, on_round, on_log)
            for key in ignored:
                following.note(f"{source.name} declares no run-config key {key}; the stack's value is not used")
            return following.follow(file)


@dataclass
class _Following:
    """The state of one run while it goes on."""

    app: App
    run_config: Mapping[str, Value]
    flower: Flower
    target: Target
    runs_dir: Path
    on_round: Callable[[Round], None]
    on_log: Callable[[str], None]
    rounds: dict[int, Round] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        self.notes.append(text)
        self.on_log(text)

    def follow(self, config: Path) -> Result:
        """Submit, follow, ask for the end, record."""
        started, clock = datetime.now(UTC), time.monotonic()
        with requests(self.flower.interrupt) as request:
            run_id = self._submit(config)
            Thread(target=load_plotter, daemon=True).start()
            directory = self.runs_dir / run_id
            directory.mkdir(parents=True, exist_ok=True)
            failure = FailureReader()
            status, details = self._to_the_end(run_id, directory / "run.log", failure, request)
        exit_code, error = _verdict(status, details, failure, request)
        result = Result(
            run_id=run_id,
            app=f"{self.app.name} {self.app.version}",
            status=status,
            rounds=[self.rounds[number] for number in sorted(self.rounds)],
            run_config=self.run_config,
            supernodes=max((one.clients for one in self.rounds.values() if one.clients is not None), default=None),
            started=started,
            duration=time.monotonic() - clock,
            directory=directory,
            exit_code=exit_code,
            error=error and f"{self.app.name}, run {run_id}: {error}",
            notes=self.notes,
        )
        self._record(result)
        return result

    def _submit(self, config: Path) -> str:
        try:
            output = self.flower.run("run", str(self.target.app), NAME, "--run-config", str(config))
        except CommandFailedError as error:
            raise TrainingError(f"{self.app.folder}: not started: {error}") from None
        match = STARTED.search(output)
        if match is None:
            raise TrainingError(f"{self.app.folder}: not started: {PROGRESS.sub('', output).strip()}")
        return match[1]

    def _to_the_end(self, run_id: str, log: Path, failure: FailureReader, request: Request) -> tuple[str, str]:
        """Return Flower's status and details of the run; it is stopped when a signal asks for it."""
        try:
            self._stream(run_id, log, failure)
            if request.number is not None:
                self.on_log(f"stopping run {run_id}")
                self._stop(run_id)
            return self._status(run_id)
        except (CommandFailedError, TrainingError) as error:
            return LOST, str(error)

    def _stop(self, run_id: str) -> None:
        try:
            self.flower.run("stop", run_id, *self.target.superlink)
        except CommandFailedError as error:
            self.note(f"run {run_id} could not be stopped: {error}")

    def _stream(self, run_id: str, log: Path, failure: FailureReader) -> None:
        reader = RoundReader()
        try:
            with log.open("w", encoding="utf-8") as file:
                command = ("log", run_id, *self.target.superlink, "--stream")
                for line in map(plain, self.flower.stream(*command, interruptible=True)):
                    file.write(line + "\n")
                    self.on_log(line)
                    failure.feed(line)
                    self._tell(reader.feed(line))
                self._tell(reader.finish())
        except CommandFailedError as error:
            if str(error) != INTERRUPTED:
                raise

    def _tell(self, one: Round | None) -> None:
        if one is not None and one.number not in self.rounds:
            self.on_round(one)
        if one is not None:
            self.rounds[one.number] = one

    def _status(self, run_id: str) -> tuple[str, str]:
        output = self.flower.run("list", *self.target.superlink, "--run-id", run_id, "--format", "json")
        answer: dict[str, Any] = json.loads(output[output.index("{") :])
        if not answer.get("success"):
            raise CommandFailedError(str(answer.get("error-message", output)).strip())
        return answer["runs"][0]["status"], answer["runs"][0].get("status-details", "")

    def _record(self, result: Result) -> None:
        if result.rounds:
            try:
                draw_curve(result.rounds, f"{result.app}, run {result.run_id}", result.directory / "curve.png")
            except ImportError:
                self.note("no curve.png: matplotlib is not installed; pip install 'fedstack[train]' brings it")
        write_metrics(result)


def _verdict(status: str, details: str, failure: FailureReader, request: Request) -> tuple[int, str | None]:
    """Return the exit code and, unless that is 0, what happened."""
    if request.number is not None:
        return request.exit_code, f"stopped by {signal.Signals(request.number).name} (Flower says {status})"
    if status == COMPLETED:
        return (FAILED, f"no client ever trained: {failure.untrained}") if failure.untrained else (0, None)
    if status == STOPPED:
        return FAILED, "stopped by somebody else"
    if status == LOST:
        return FAILED, f"lost sight of it: {details.partition('. ')[0]}"
    return FAILED, failure.exception or details or f"Flower gives no reason for {status}"
