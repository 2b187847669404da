"""Tests of カラーミーショップ that stand beside the contract."""
