"""Doors and clocks: HTTP, GraphQL, webhooks, mail, command line, workers, wiring."""
