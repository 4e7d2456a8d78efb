"""Names of a package that are loaded from its modules when they are first asked for."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any


def lazy_attributes(package: str, name: str, where: Mapping[str, str]) -> Any:
    """What `__getattr__` of a package gives: the name, out of the module of the package that holds it.

    where: names to modules. Raises AttributeError for one that it does not know.
    """
    if name not in where:
        raise AttributeError(f"module '{package}' has no attribute '{name}'")
    value = getattr(import_module(f"{package}.{where[name]}"), name)
    setattr(import_module(package), name, value)  # so that it is not asked for again
    return value
