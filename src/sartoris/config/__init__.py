"""Configuration: git config's section `deploy`, validated by one table of keys."""

from sartoris.config.config import Config
from sartoris.config.loading import Configured, read_config
from sartoris.config.problems import ConfigError
from sartoris.config.targets import Target
from sartoris.config.values import BadValue, CountOrPercent, check_prefix

__all__ = [
    "BadValue",
    "Config",
    "ConfigError",
    "Configured",
    "CountOrPercent",
    "Target",
    "check_prefix",
    "read_config",
]
