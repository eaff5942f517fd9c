"""Reading files of molecules: what `datasets` and `screening` have in common."""
