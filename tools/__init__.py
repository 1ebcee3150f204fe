"""What `make` runs: set-up, generators, builds."""
