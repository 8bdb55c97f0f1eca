"""The drivers, a module each; opened by the catalog alone."""
