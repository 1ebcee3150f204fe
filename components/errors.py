"""What is wrong with a configuration, as one message: key path, value, expected form, nearest valid key."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from components.fields import Sets

KEY = "fedstack:federation"


class SettingsError(Exception):
    """A configuration that cannot be deployed; `str()` is the message for the user, `problems` its lines."""

    def __init__(self, problems: list[str]) -> None:
        lines = "".join(f"\n  {problem}" for problem in problems)
        count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
        super().__init__(f"{KEY} has {count}:{lines}")
        self.problems = problems


def explain(error: ValidationError, model: type[BaseModel]) -> list[str]:
    """One line a problem, in the order of the configuration."""
    return [_line(detail, model) for detail in error.errors(include_url=False)]


def _line(detail: Any, model: type[BaseModel]) -> str:
    path = key_path(detail["loc"])
    given = "a secret value" if _is_secret(detail["loc"], model) else shown(detail["input"])
    if detail["type"] == "extra_forbidden":
        return f"{path}: unknown key (value {given}); {_hint(detail['loc'], model)}"
    if detail["type"] == "missing":
        return f"{path}: a value is missing"
    return f"{path}: {_expected(detail)}, got {given}"


def _is_secret(location: tuple[int | str, ...], model: type[BaseModel]) -> bool:
    """Whether the field at a location sets a secret variable."""
    group = _group(model, location[:-1])
    fields = (field for name, field in group.model_fields.items() if _alias(group, name) == location[-1])
    return any(isinstance(mark, Sets) and mark.row.secret for field in fields for mark in field.metadata)


def key_path(location: tuple[int | str, ...]) -> str:
    """`("supernodes", "elasticityPolicies", 0, "adjust")` gives `supernodes.elasticityPolicies[0].adjust`."""
    path = ""
    for step in location:
        path += f"[{step}]" if isinstance(step, int) else f".{step}" if path else step
    return path


def shown(value: Any) -> str:
    """A value for a message: short, on one line."""
    text = f'"{value}"' if isinstance(value, str) else repr(value)
    text = " ".join(text.split())
    return text if len(text) <= 60 else f"{text[:57]}..."


def _expected(detail: Any) -> str:
    context: Mapping[str, Any] = detail.get("ctx", {})
    texts = {
        "value_error": str(context.get("error")),
        "greater_than_equal": f"expected at least {context.get('ge')}",
        "greater_than": f"expected more than {context.get('gt')}",
        "literal_error": f"expected {context.get('expected')}",
        "enum": f"expected {context.get('expected')}",
        "bool_parsing": "expected true or false",
        "bool_type": "expected true or false",
        "model_type": "expected an object",
        "dict_type": "expected an object",
        "list_type": "expected a list",
        "tuple_type": "expected a list",
        "string_type": "expected a text",
        "float_type": "expected a number",
        "float_parsing": "expected a number",
    }
    text = texts.get(detail["type"], detail["msg"])
    return text if text.startswith("expected") else f"expected a value that {text}"


def _hint(location: tuple[int | str, ...], model: type[BaseModel]) -> str:
    """The nearest key in the same group, else anywhere, else all keys of the group."""
    *outer, key = location
    group = _group(model, tuple(outer))
    siblings = [_alias(group, name) for name in group.model_fields]
    prefix = key_path(tuple(outer))
    nearest = get_close_matches(str(key), siblings, n=1, cutoff=0.6)
    if nearest:
        return f"did you mean {f'{prefix}.' if prefix else ''}{nearest[0]}?"
    leaves = {path.rsplit(".", 1)[-1]: path for path in _paths(model)}
    anywhere = get_close_matches(str(key), leaves, n=1, cutoff=0.75)
    return f"did you mean {leaves[anywhere[0]]}?" if anywhere else f"valid keys: {', '.join(sorted(siblings))}"


def _alias(model: type[BaseModel], name: str) -> str:
    return model.model_fields[name].alias or name


def _group(model: type[BaseModel], location: tuple[int | str, ...]) -> type[BaseModel]:
    """The model that a location lies in."""
    for step in location:
        if isinstance(step, str):
            model = next(_inner(model, name) or model for name in model.model_fields if _alias(model, name) == step)
    return model


def _inner(model: type[BaseModel], name: str) -> type[BaseModel] | None:
    """The model of a field that is a group or a list of groups."""
    annotation = model.model_fields[name].annotation
    for candidate in (annotation, *get_args(annotation)):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None


def _paths(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name in model.model_fields:
        path = f"{prefix}{_alias(model, name)}"
        inner = _inner(model, name)
        yield path
        if inner:
            yield from _paths(inner, f"{path}.")
