"""Tests of the mall Yahoo!ショッピング."""
