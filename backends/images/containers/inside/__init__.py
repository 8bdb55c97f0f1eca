"""Programs that run inside build containers, by an interpreter with nothing but its own library."""
