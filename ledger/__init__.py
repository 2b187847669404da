"""Facts, rules, and the one store that keeps them."""
