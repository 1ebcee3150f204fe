#!/usr/bin/env bash
# Nothing of the build stays: no identity, no keys, no user, no logs, no caches.
set -euo pipefail
: "${IMAGE_ROOT:=}"
export DEBIAN_FRONTEND=noninteractive

apt-get -y autoremove --purge
apt-get clean
rm -rf "$IMAGE_ROOT"/var/lib/apt/lists/* "$IMAGE_ROOT"/var/cache/apt/*.bin

# The first boot of each VM makes its own (one-context makes the host keys).
: >"$IMAGE_ROOT/etc/machine-id"
rm -f "$IMAGE_ROOT/var/lib/dbus/machine-id" "$IMAGE_ROOT/var/lib/systemd/random-seed"
rm -f "$IMAGE_ROOT"/etc/ssh/ssh_host_*_key "$IMAGE_ROOT"/etc/ssh/ssh_host_*_key.pub

# The user and the network that the builder came in by.
rm -rf "$IMAGE_ROOT/var/lib/cloud" "$IMAGE_ROOT/etc/cloud"
rm -f "$IMAGE_ROOT"/etc/netplan/50-cloud-init.yaml "$IMAGE_ROOT"/etc/ssh/sshd_config.d/*cloud* \
    "$IMAGE_ROOT"/etc/sudoers.d/*cloud*
passwd --lock root
if id build >/dev/null 2>&1; then
    userdel --force --remove build
fi

find "$IMAGE_ROOT/var/log" -type f -delete
rm -rf "$IMAGE_ROOT"/tmp/* "$IMAGE_ROOT"/var/tmp/* "$IMAGE_ROOT"/root/.cache "$IMAGE_ROOT"/root/.bash_history \
    "$IMAGE_ROOT"/root/.ssh
sync
