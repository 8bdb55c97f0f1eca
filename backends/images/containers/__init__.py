"""Container images: server, environment and service, each made on the engine that will run it."""
