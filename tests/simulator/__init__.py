"""A small world that runs from a seed: malls that sell and tell late, a ledger, its tables, and the push steps."""
