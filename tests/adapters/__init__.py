"""Tests of the malls: the contract that judges each, the shared tools, and what is a mall's own."""
