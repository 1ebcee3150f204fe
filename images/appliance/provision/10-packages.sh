#!/usr/bin/env bash
# Ubuntu's own packages, from its signed archive: up to date, and what the appliance needs.
set -euo pipefail
: "${FLAVOUR:?standard or edge}" "${EXTRA_PACKAGES:=}"
export DEBIAN_FRONTEND=noninteractive

packages=(ca-certificates curl netplan.io openssh-server python3 python3-venv qemu-guest-agent)
if [ "$FLAVOUR" = standard ]; then
    packages+=(docker.io)
fi
# A list of names, separated by blanks.
read -r -a extra <<<"$EXTRA_PACKAGES"

apt-get update
apt-get -y upgrade
apt-get -y install --no-install-recommends "${packages[@]}" "${extra[@]}"
if [ "$FLAVOUR" = standard ]; then
    systemctl enable docker.service
fi
