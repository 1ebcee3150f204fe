"""What a preview or a refresh would do, for people who have to decide: one Markdown report from the engine's events.

`events` reads the engine's event log, `paths` names properties, `meaning` says what a change does to running VMs and
to training, `sizes` adds up VMs, CPU and memory, `markdown` writes the report, `run` calls Pulumi.
"""
