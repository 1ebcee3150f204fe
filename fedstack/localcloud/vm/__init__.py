"""Virtual machines: what they are made of, their states, and who moves them."""
