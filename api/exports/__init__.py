"""Lists and stock out as files: streamed page by page, over HTTP and by command."""
