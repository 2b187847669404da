"""``daicho demo``: two emulated malls on this machine, the three steps of setting up, and one order on its way.

Everything is done through the outside doors: HTTP, GraphQL, SMTP and the command line. Nothing here calls the ledger.
"""
