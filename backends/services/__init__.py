"""Services: plan, deploy, watch, update, roll back, stop, delete, and their timeline."""
