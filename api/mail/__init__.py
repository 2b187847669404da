"""The mail doors that speak mail protocols: the SMTP receiver."""
