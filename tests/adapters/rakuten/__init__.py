"""楽天市場: its samples, its reading of files and mails, its push and its emulator."""
