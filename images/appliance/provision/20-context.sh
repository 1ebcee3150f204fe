#!/usr/bin/env bash
# OpenNebula's contextualisation package in place of cloud-init. What is downloaded has the expected digest, or the
# build ends here.
set -euo pipefail
: "${CONTEXT_URL:?address of the one-context package}" "${CONTEXT_SHA256:?its digest}"
export DEBIAN_FRONTEND=noninteractive

package=$(mktemp --suffix=.deb)
trap 'rm -f "$package"' EXIT
curl --fail --silent --show-error --location --proto '=https' --proto-redir '=https' --output "$package" "$CONTEXT_URL"
echo "$CONTEXT_SHA256  $package" | sha256sum --check --strict
chmod 0644 "$package"

apt-get -y purge cloud-init
apt-get -y install --no-install-recommends "$package"
