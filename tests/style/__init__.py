"""The rules a machine keeps: how files here may look, and who may import whom."""
