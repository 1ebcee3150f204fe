"""What a server tells of itself without a session: `system.listMethods`, `.methodHelp` and `.methodSignature`.

As on the platform, whose XML-RPC library has them. Calls that are left out are not listed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from fedstack.localcloud.rpc.method import INDEX_ERROR, TYPE_ERROR, BadParametersError, Method

Methods = Mapping[str, Method]
_SIGNATURES = {"system.listMethods": "A", "system.methodHelp": "ss", "system.methodSignature": "As"}
_WORDS = {"i": "int", "s": "string", "b": "boolean", "a": "array", "A": "array"}


def _list(methods: Methods) -> list[str]:
    return sorted([*methods, *_SIGNATURES])


def _letters(methods: Methods, name: str) -> str:
    """Types of the result and of the parameters, the session first."""
    if name in _SIGNATURES:
        return _SIGNATURES[name]
    if name not in methods:
        raise BadParametersError(INDEX_ERROR, f"Method '{name}' not defined")
    return f"As{methods[name].required}{methods[name].optional}"


def _help(methods: Methods, name: str) -> str:
    letters = _letters(methods, name)
    text = methods[name].function.__doc__ if name in methods else ""
    return text or f"Takes {len(letters) - 1} parameters."


def _signature(methods: Methods, name: str) -> list[list[str]]:
    return [[_WORDS[letter] for letter in _letters(methods, name)]]


_CALLS: Mapping[str, Callable[..., object]] = {
    "system.listMethods": _list,
    "system.methodHelp": _help,
    "system.methodSignature": _signature,
}


def knows(name: str) -> bool:
    """Whether it is one of these calls."""
    return name in _CALLS


def answer(methods: Methods, name: str, parameters: Sequence[object]) -> object:
    """The value itself, no triple; raises BadParametersError."""
    wanted = len(_SIGNATURES[name]) - 1
    if len(parameters) != wanted:
        raise BadParametersError(INDEX_ERROR, f"{name} takes {wanted} parameters.")
    if not all(isinstance(one, str) for one in parameters):
        raise BadParametersError(TYPE_ERROR, "Parameter 0: expected string.")
    return _CALLS[name](methods, *parameters)
