"""Tests of the tables made from facts, on a real PostgreSQL."""
