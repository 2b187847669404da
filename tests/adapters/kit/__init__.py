"""Tests of the tools that malls share."""
