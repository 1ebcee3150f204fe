"""The one exception that the command line shows as a message."""


class OperationError(Exception):
    """Something that cannot be done; the message is complete for a user.

    `exit_code` is 2 for bad input and 1 for anything else (the contract of the command line).
    """

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class BadInputError(OperationError):
    """Input that is refused: place, value and expected form are in the message."""

    def __init__(self, message: str) -> None:
        super().__init__(message, exit_code=2)
