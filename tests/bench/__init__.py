"""Measures the performance goals; nothing here fails by time."""
