"""gRPC options for every channel and server of this process, whoever makes them.

Flower has no flag and no variable for keepalive: its servers ping every 210 s, its channels never. So the functions
of gRPC that make channels and servers are wrapped before Flower is imported; our options win over Flower's.

Standard library and Flower's environment only, like the launcher that uses this.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import json
import os
from collections.abc import Callable, Mapping
from typing import Any

VARIABLE = "FEDSTACK_GRPC_OPTIONS"
"""``{"client": {option: value}, "server": {...}}`` as JSON."""

Options = Mapping[str, int | str]
Report = Callable[[str, Options], None]
_MAKERS = {"insecure_channel": "client", "secure_channel": "client", "server": "server"}


def install(report: Report) -> str | None:
    """Wraps what the environment variable asks for; `report` hears side and options of everything made.

    Returns why it is not possible with this gRPC, or None.
    """
    wanted: dict[str, Options] = json.loads(os.environ.pop(VARIABLE, "{}"))
    makers = {name: wanted[side] for name, side in _MAKERS.items() if wanted.get(side)}
    try:
        grpc = importlib.import_module("grpc") if makers else None
        wrapped = {name: _wrapped(getattr(grpc, name), options, report) for name, options in makers.items()}
    except (ImportError, AttributeError, TypeError) as error:
        return f"{type(error).__name__}: {error}"
    for name, maker in wrapped.items():
        setattr(grpc, name, maker)
    return None


def _wrapped(make: Callable[..., Any], extra: Options, report: Report) -> Callable[..., Any]:
    """`make` with more options. Raises TypeError when it takes none."""
    signature = inspect.signature(make)
    if "options" not in signature.parameters:
        raise TypeError(f"grpc.{make.__name__} takes no options")
    side = _MAKERS[make.__name__]

    @functools.wraps(make)
    def maker(*positional: Any, **named: Any) -> Any:
        call = signature.bind(*positional, **named)
        options = {**dict(call.arguments.get("options") or ()), **extra}
        call.arguments["options"] = list(options.items())
        made = make(*call.args, **call.kwargs)
        report(side, {name: value for name, value in options.items() if isinstance(value, int | str)})
        return made

    return maker
