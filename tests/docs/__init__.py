"""What the documents say is true: links, commands, words, decisions; and the documents that are generated."""
