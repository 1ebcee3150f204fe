"""Adoption: a service that somebody made by hand becomes a stack's, without a change and without touching a VM.

`found` reads the service, `federation` says which settings would declare it, `trial` imports and previews on a stack
that exists for a moment, `files` writes what people need, `command` is `fedstack adopt`.
"""
