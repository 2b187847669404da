"""Tests of the ledger: rules without a database, the store on PostgreSQL."""
