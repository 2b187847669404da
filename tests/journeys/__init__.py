"""The manual, step by step, through the outside doors: HTTP, GraphQL, mail and the command line, with emulated malls."""
