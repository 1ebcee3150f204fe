"""USER_INPUT strings: `flag|type|description|options|default` (reference 2.1)."""

from fedstack.context.variable import Variable


def user_input(variable: Variable, value: str | None = None, *, mandatory: bool = False) -> str:
    """The string of a row with `value` (None: our default) as its default; trailing empty fields are left off.

    A value that the format cannot carry (it has a pipe or several lines) and a secret one are left out of it: they
    reach the VM through the values of the instantiation alone.
    """
    default = variable.default if value is None else value
    if variable.secret or "|" in default or "\n" in default:
        default = ""
    flag = "M" if mandatory else "O"
    form = variable.form
    fields = [flag, form.type.value, variable.description, ",".join(form.options), default]
    return "|".join(fields).rstrip("|")
