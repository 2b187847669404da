"""Tests of Yahoo! auctions alone; what holds for every mall is in the contract test."""
