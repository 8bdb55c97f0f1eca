"""Places to deploy to: the driver contract, the catalog of drivers, and their streams."""
