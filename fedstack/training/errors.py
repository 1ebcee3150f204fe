"""The one error type of this package: a message for people, and the exit code that goes with it."""

BAD_INPUT = 2
FAILED = 1
INTERRUPTED = 130


class TrainingError(Exception):
    """A run could not start or could not be followed; ``str()`` is one message with place, value and expected form."""

    def __init__(self, message: str, *, exit_code: int = FAILED) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def bad_input(message: str) -> TrainingError:
    """Return the error for something that the user gave (exit code 2)."""
    return TrainingError(message, exit_code=BAD_INPUT)
