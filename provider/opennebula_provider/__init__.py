"""pulumi-opennebula: OpenNebula objects as Pulumi resources."""

VERSION = "0.1.0"
