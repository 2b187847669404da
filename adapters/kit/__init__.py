"""Tools that two or more malls use; never a mall's name in an ``if`` and never an import of a mall."""
