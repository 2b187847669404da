"""Tests of the doors, clocks and wiring."""
