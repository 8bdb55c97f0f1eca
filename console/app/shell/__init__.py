"""The frame around every view: header, footer, command line, dialogs, errors."""
