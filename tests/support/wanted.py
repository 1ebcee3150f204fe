"""A program whose resources are written in a JSON file beside it: `{name: {"type" or "function", "inputs"}}`.

`"@name.output"` anywhere in the inputs is the output of a resource that was made before, `{"secret": value}` a secret.
"""

PROGRAM = """
import json
import pathlib

import pulumi
import pulumi_opennebula as one

wanted = json.loads(pathlib.Path("wanted.json").read_text())
made = {}


def value(text):
    if isinstance(text, dict) and set(text) == {"secret"}:
        return pulumi.Output.secret(text["secret"])
    if isinstance(text, dict):
        return {key: value(item) for key, item in text.items()}
    if isinstance(text, list):
        return [value(item) for item in text]
    if isinstance(text, str) and text.startswith("@"):
        resource, output = text[1:].split(".")
        return getattr(made[resource], output)
    return text


for name, spec in wanted.items():
    if "function" in spec:
        made[name] = getattr(one, f"{spec['function']}_output")(**value(spec["inputs"]))
        pulumi.export(name, made[name])
        continue
    made[name] = getattr(one, spec["type"])(name, **value(spec["inputs"]))
    if spec["type"] == "Service":
        pulumi.export(name, made[name].role_status)
        pulumi.export(f"{name}_id", made[name].service_id)
"""

PROJECT = """
name: {name}
runtime:
  name: python
  options: {{toolchain: pip, virtualenv: {root}/.venv}}
packages:
  opennebula: {root}/provider
"""
