"""The service side of the console: the list of services and the view of one."""
