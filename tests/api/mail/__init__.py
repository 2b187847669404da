"""What arrives by mail: its parts, its proofs, and the servers it is taken from."""
