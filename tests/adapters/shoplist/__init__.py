"""Tests of SHOPLIST alone; what holds for every mall is in the contract test."""
