#!/usr/bin/env bash
# The appliance: its package in an environment of its own, every wheel by its digest, and the files of the image.
set -euo pipefail
: "${FLAVOUR:?standard or edge}" "${BUNDLE:?folder that tools/bundle.py wrote}" "${IMAGE_ROOT:=}"

python3 -m venv "$IMAGE_ROOT/opt/fedstack"
cd "$BUNDLE/appliance" # requirements.txt names the wheel beside it
"$IMAGE_ROOT/opt/fedstack/bin/python" -m pip install --disable-pip-version-check \
    --require-hashes --requirement requirements.txt

for layer in common "$FLAVOUR"; do
    if [ -d "$BUNDLE/files/$layer" ]; then
        cp --recursive --preserve=mode --no-target-directory "$BUNDLE/files/$layer" "$IMAGE_ROOT/"
    fi
done
