"""Validation and normalisation of service templates, as the platform does them (reference 6.2 to 6.6)."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from fedstack.oneflow import legacy
from fedstack.oneflow.consistency import consistency_problems
from fedstack.oneflow.model import ElasticityPolicy, Role, ScheduledPolicy, ServiceTemplate
from fedstack.oneflow.problem import Problem, element, member
from fedstack.oneflow.unknown import without_unknowns

__all__ = [
    "ElasticityPolicy",
    "Problem",
    "Role",
    "ScheduledPolicy",
    "ServiceTemplate",
    "TemplateError",
    "normalise",
    "problems",
]

_STORED_DEFAULTS = ("deployment", "description", "cardinality")
"""The only keys that the platform adds when they are absent."""


class TemplateError(ValueError):
    """A template that the platform refuses with HTTP 400; `str()` is all problems on one line."""

    def __init__(self, found: list[Problem]) -> None:
        super().__init__("; ".join(str(problem) for problem in found))
        self.problems = found


def normalise(body: Mapping[str, Any]) -> dict[str, Any]:
    """The body that the platform stores: old names converted, integers coerced, three defaults added.

    Keys keep their order and unknown keys stay. `registration_time` is the server's to add. Raises TemplateError
    with every problem (the platform itself stops at the first).
    """
    found = problems(body)
    if found:
        raise TemplateError(found)
    converted = _current_format(body)
    template = ServiceTemplate.model_validate(without_unknowns(converted)[0])
    return _stored(converted, template)


def problems(body: Any) -> list[Problem]:
    """Everything that the platform would refuse, by path; empty for a good template.

    Members that are UNKNOWN are taken for good: no problem is reported at them, nor one that depends on them.
    """
    known, unknown = without_unknowns(body)
    if not isinstance(known, Mapping):
        return [] if unknown else [Problem("", "must be an object", known)]
    known = _current_format(known)
    found = [*_field_problems(known), *consistency_problems(known)]
    return [problem for problem in found if not problem.depends_on(unknown)]


def _current_format(body: Mapping[str, Any]) -> Mapping[str, Any]:
    return legacy.convert(body) if legacy.is_old_format(body) else body


def _stored(raw: Mapping[str, Any], model: BaseModel) -> dict[str, Any]:
    """The raw mapping with the model's coerced values in place, and the stored defaults at the end."""
    stored = dict(raw)
    for name in type(model).model_fields:
        if name in model.model_fields_set or name in _STORED_DEFAULTS:
            stored[name] = _stored_value(raw.get(name), getattr(model, name))
    return stored


def _stored_value(raw: Any, value: Any) -> Any:
    if isinstance(value, BaseModel):
        return _stored(raw, value)
    if isinstance(value, list) and value and isinstance(value[0], BaseModel):
        return [_stored_value(*pair) for pair in zip(raw, value, strict=True)]
    return raw if isinstance(value, dict | list) else value


def _field_problems(body: Mapping[str, Any]) -> list[Problem]:
    try:
        ServiceTemplate.model_validate(body)
    except ValidationError as error:
        return [_problem(detail) for detail in error.errors(include_url=False, include_context=True)]
    return []


def _problem(detail: Any) -> Problem:
    path = ""
    for step in detail["loc"]:
        path = element(path, step) if isinstance(step, int) else member(path, step)
    missing = detail["type"] == "missing"
    return Problem(path, _message(detail, path), None if missing else detail["input"])


def _message(detail: Any, path: str) -> str:
    """The expected form in the platform's terms."""
    context: Mapping[str, Any] = detail.get("ctx", {})
    kind: str = detail["type"]
    if kind == "literal_error" and path.endswith(".type") and path.count("[") == 1:
        return "must be a supported role type, vm or vr"
    texts = {
        "missing": "is mandatory",
        "literal_error": f"must be one of {context.get('expected')}",
        "greater_than_equal": f"must be at least {context.get('ge')}",
        "value_error": str(context.get("error")),
        "string_type": "must be a string",
        "bool_type": "must be true or false",
        "list_type": "must be an array",
        "dict_type": "must be an object",
        "model_type": "must be an object",
        "string_pattern_mismatch": "must consist of letters, digits and underscores",
    }
    return texts.get(kind, str(detail["msg"]))
