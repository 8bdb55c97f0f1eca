"""The deployment wizard: a form over the config files, a plan, and the way to run it."""
