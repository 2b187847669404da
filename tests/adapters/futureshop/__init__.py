"""futureshop: its samples, its token, its reading of files, mails and orders, its push and its emulator."""
