"""What facts looked like when they were recorded: golden lines that every later version must be able to read."""
