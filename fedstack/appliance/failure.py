"""How a boot step can fail: the boot ends (fatal) or goes on with less (degraded)."""

from __future__ import annotations

from enum import Enum


class ErrorCode(Enum):
    """Values of FL_ERROR. The first four are the reference's (3.5); the others say what it leaves unsaid.

    `docker_start_failed` keeps its name for every runtime: what Flower runs in cannot be used.
    """

    CONFIG_VALIDATION_FAILED = "config_validation_failed"
    DOCKER_START_FAILED = "docker_start_failed"
    HEALTH_CHECK_TIMEOUT = "health_check_timeout"
    TLS_SETUP_FAILED = "tls_setup_failed"
    RUNTIME_START_FAILED = "runtime_start_failed"
    PUBLICATION_FAILED = "publication_failed"
    DISCOVERY_FAILED = "discovery_failed"
    VERSION_MISMATCH = "version_mismatch"
    ENROLMENT_TIMEOUT = "enrolment_timeout"
    CONNECTION_FAILED = "connection_failed"
    CRASH_LOOP = "crash_loop"


class StepError(Exception):
    """A step could not do its work; the message is one line for users. `code` overrides the step's own."""

    def __init__(self, message: str, code: ErrorCode | None = None) -> None:
        super().__init__(message)
        self.code = code
