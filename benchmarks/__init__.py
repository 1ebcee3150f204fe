"""How fast the parts are, as ratios and rates that hold on any machine: `python -m benchmarks [NAME...]`."""
