"""The GraphQL API: audit and history, and the verbs of the ledger as mutations."""
