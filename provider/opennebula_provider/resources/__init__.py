"""The resources, one module each: its definition (what the schema shows) beside what it does."""
