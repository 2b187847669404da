"""Rows that are not facts: sealed secrets, the raw inbox, mail addresses, and whatever else may be changed and deleted."""
