"""What OpenNebula's wire formats mean: states, error codes, permissions, template text. No I/O."""
