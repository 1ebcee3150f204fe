"""OneFlow as pure functions: states, template validation, merge, strategies, readiness, elasticity. No I/O.

Section numbers in docstrings ("reference 6.5") are those of the OneFlow reference that the project works from.
"""
