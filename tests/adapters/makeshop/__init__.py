"""MakeShop: its samples, its documents, its reading of files, mails and orders, its push and its emulator."""
