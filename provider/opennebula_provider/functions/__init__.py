"""The functions, one module for each kind of object: the definition (what the schema shows) beside the answer."""
