"""Doors for messages from outside: each is stored raw and sealed before it is acknowledged."""
