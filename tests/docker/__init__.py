"""The container: its image, built and run without a daemon; its entry point; the compose file."""
