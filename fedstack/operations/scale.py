"""Changing the number of SuperNodes the declared way: the stack's configuration first, then `pulumi up`."""

from fedstack.operations.errors import BadInputError, OperationError
from fedstack.operations.stack import Stack
from fedstack.operations.status import Federation

COUNT_KEY = "fedstack:federation.supernodes.count"


def check(federation: Federation, role_name: str, count: int) -> None:
    """Refuses what the platform or the design forbids; raises BadInputError naming the bound."""
    role = federation.role(role_name)
    if role is None:
        known = ", ".join(one.name for one in federation.roles)
        raise BadInputError(f"role {role_name!r}: service {federation.service_id} has the roles {known}")
    if role.minimum is not None and role.minimum == role.maximum:
        raise BadInputError(
            f"role {role_name!r} is fixed at {role.minimum}: it coordinates the others and never scales"
        )
    if role.minimum is not None and count < role.minimum:
        raise BadInputError(f"count {count}: role {role_name!r} keeps at least {role.minimum} (min)")
    if role.maximum is not None and count > role.maximum:
        raise BadInputError(f"count {count}: role {role_name!r} takes at most {role.maximum} (max)")


def scale(stack: Stack, count: int) -> int:
    """Writes the count into the stack's configuration and deploys it; the exit code of `pulumi up`.

    Raises OperationError when the configuration cannot be written.
    """
    stack.read("config", "set", "--path", COUNT_KEY, str(count))
    code = stack.run("up", "--yes", "--skip-preview", *stack.pack)
    if code:
        raise OperationError(f"the change to {count} was not deployed; `pulumi up --stack {stack.name}` tries again")
    return code
