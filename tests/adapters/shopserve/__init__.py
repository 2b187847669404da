"""Tests of ショップサーブ that stand beside the contract."""
