"""One folder per mall, found by scan; malls do not know each other."""
