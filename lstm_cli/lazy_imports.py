"""Lazy loading of the public names of a package."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any


def lazy_attributes(package: str, name: str, modules: Mapping[str, str]) -> Any:
    """Return an attribute of a package, loaded from one of its modules; for `__getattr__` of the package.

    Args:
        package: Name of the package.
        name: Name of the attribute.
        modules: Attribute name -> module of the package.

    Raises:
        AttributeError: the name is unknown.
    """
    if name not in modules:
        raise AttributeError(f"module '{package}' has no attribute '{name}'")
    value = getattr(import_module(f"{package}.{modules[name]}"), name)
    setattr(import_module(package), name, value)  # later uses need no call
    return value
