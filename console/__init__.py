"""The two front ends: the app and the command line."""
