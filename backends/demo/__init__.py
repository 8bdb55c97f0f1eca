"""Real models that ship with the project, for `pilothouse demo` and for trying things out."""

from backends.demo.manifest import DemoModel, demo_models, register_demo

__all__ = ["DemoModel", "demo_models", "register_demo"]
