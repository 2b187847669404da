"""Files out: lists, stock and malls' stock files."""
