"""Everything that needs no terminal: registry, configs, targets, services, requests, scoring."""
