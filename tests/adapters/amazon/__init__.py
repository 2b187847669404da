"""Tests of Amazon.co.jp."""
