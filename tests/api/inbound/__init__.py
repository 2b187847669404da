"""Tests of the doors for messages from outside."""
