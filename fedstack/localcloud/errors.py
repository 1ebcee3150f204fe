"""The one exception that users of the local cloud's commands see."""


class CloudError(Exception):
    """The local cloud cannot start, stop or answer; the message names the cause and what to do."""


class OptionsError(CloudError):
    """Options of a start that do not fit together, or name files that are not there; exit code 2."""
