"""The tests; one folder per code folder, and style/ for the rules a machine keeps."""
