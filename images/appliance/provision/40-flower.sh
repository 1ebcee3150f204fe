#!/usr/bin/env bash
# The environment that Flower runs in: the recipe of the flavour, every wheel by its digest.
set -euo pipefail
: "${BUNDLE:?folder that tools/bundle.py wrote}" "${IMAGE_ROOT:=}"

environment="$IMAGE_ROOT/opt/flower/env"
mkdir -p "$IMAGE_ROOT/opt/flower"
python3 -m venv "$environment"
"$environment/bin/python" -m pip install --disable-pip-version-check \
    --require-hashes --requirement "$BUNDLE/flower/requirements.txt"
install -m 0644 "$BUNDLE/flower/image.toml" "$environment/image.toml"
