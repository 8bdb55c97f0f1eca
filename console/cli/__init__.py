"""The command line, shaped like `az ml` v1; never imports textual."""
