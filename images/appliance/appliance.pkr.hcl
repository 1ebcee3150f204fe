# The appliance as a QCOW2: `make image FLAVOUR=standard` or `FLAVOUR=edge`, see images/README.md.

variable "flavour" {
  type        = string
  description = "standard: Ubuntu server, Docker, Flower with scikit-learn. edge: Ubuntu minimal, Flower alone."

  validation {
    condition     = contains(["standard", "edge"], var.flavour)
    error_message = "The flavour must be standard or edge."
  }
}

variable "bundle" {
  type        = string
  description = "Folder that `python -m tools.bundle` wrote for this flavour."
}

variable "context_url" {
  type        = string
  default     = "https://github.com/OpenNebula/one-apps/releases/download/v6.10.0-3/one-context_6.10.0-3.deb"
  description = "OpenNebula's contextualisation package, in the version that suits the cloud."
}

variable "context_sha256" {
  type        = string
  description = "Its digest, as the release says it. There is no default: what is not known is not installed."

  validation {
    condition     = length(var.context_sha256) == 64
    error_message = "The digest must be 64 hexadecimal digits."
  }
}

variable "base" {
  type = map(object({ url = string, checksum = string, disk_mb = number }))
  default = {
    standard = {
      url      = "https://cloud-images.ubuntu.com/releases/noble/release-20250516/ubuntu-24.04-server-cloudimg-amd64.img"
      checksum = "sha256:8d6161defd323d24d66f85dda40e64e2b9021aefa4ca879dcbc4ec775ad1bbc5"
      disk_mb  = 10240
    }
    edge = {
      url      = "https://cloud-images.ubuntu.com/minimal/releases/noble/release-20250727/ubuntu-24.04-minimal-cloudimg-amd64.img"
      checksum = "file:https://cloud-images.ubuntu.com/minimal/releases/noble/release-20250727/SHA256SUMS"
      disk_mb  = 4096
    }
  }
  description = "The dated release of Ubuntu 24.04 that each flavour starts from."
}

variable "extra_packages" {
  type        = string
  default     = ""
  description = "More packages of Ubuntu, separated by blanks, such as a GPU driver."
}

variable "accelerator" {
  type        = string
  default     = "kvm"
  description = "kvm, or tcg where there is none."
}

variable "output" {
  type        = string
  default     = "dist/images"
  description = "Folder for the result."
}

source "qemu" "appliance" {
  accelerator      = var.accelerator
  cpus             = 2
  memory           = 2048
  iso_url          = var.base[var.flavour].url
  iso_checksum     = var.base[var.flavour].checksum
  disk_image       = true
  disk_size        = "${var.base[var.flavour].disk_mb}M"
  disk_compression = true
  format           = "qcow2"
  headless         = true
  net_device       = "virtio-net"
  http_directory   = "${path.root}/cloud-init"
  qemuargs         = [["-smbios", "type=1,serial=ds=nocloud-net;s=http://{{ .HTTPIP }}:{{ .HTTPPort }}/"]]
  ssh_username     = "build"
  ssh_password     = "build"
  ssh_timeout      = "10m"
  output_directory = "${var.output}/${var.flavour}"
  vm_name          = "fedstack-${var.flavour}.qcow2"

  # The last script ends the login that Packer came by, so it and the shutdown are one command.
  shutdown_command = "sudo bash -c '/tmp/bundle/provision/90-clean.sh && systemctl poweroff'"
}

build {
  sources = ["source.qemu.appliance"]

  provisioner "shell" {
    inline = ["mkdir /tmp/bundle"]
  }

  provisioner "file" {
    source      = "${var.bundle}/"
    destination = "/tmp/bundle/"
  }

  provisioner "shell" {
    execute_command = "sudo env {{ .Vars }} bash '{{ .Path }}'"
    environment_vars = [
      "FLAVOUR=${var.flavour}",
      "BUNDLE=/tmp/bundle",
      "EXTRA_PACKAGES=${var.extra_packages}",
      "CONTEXT_URL=${var.context_url}",
      "CONTEXT_SHA256=${var.context_sha256}",
    ]
    scripts = [for name in ["10-packages", "20-context", "30-appliance", "40-flower"] : "${path.root}/provision/${name}.sh"]
  }

  post-processor "checksum" {
    checksum_types = ["sha256"]
    output         = "${var.output}/${var.flavour}/fedstack-${var.flavour}.qcow2.sha256"
  }
}
