"""The one exception that users of the local cloud's commands see."""


class CloudError(Exception):
    """The local cloud cannot start, stop or answer; the message names the cause and what to do."""
