"""How settings are read: flag, then OSTRAKA_* variable, then TOML file, then default; checked where they enter.

A tree of frozen dataclasses declares the settings: each field is `Annotated[type, About(meaning, ...)]`, a field
whose type is a dataclass is a section. From that one declaration come the keys of the file (`paxos.heartbeat_ms`),
the variables (`OSTRAKA_PAXOS_HEARTBEAT_MS`), the flags (`--paxos-heartbeat-ms`), the checks and the help.
"""

from __future__ import annotations

import dataclasses
import difflib
import re
import tomllib
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

ENV_PREFIX = "OSTRAKA_"

_UNITS = ("ms", "bytes", "entries", "rows", "calls", "streams", "rpcs", "connections", "operations", "revisions")

# Read by the command line, not by a node.
_CLIENT_VARIABLES = frozenset({"OSTRAKA_CONFIG", "OSTRAKA_ENDPOINTS", "OSTRAKA_TIMEOUT"})

# Kubernetes sets these in every pod beside a Service whose name begins with "ostraka"; no setting ends so.
_SERVICE_LINK = re.compile(r"_(SERVICE_(HOST|PORT)(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$")


class ConfigError(ValueError):
    """A setting is missing, unknown or wrong. The message names where it stands and what is allowed."""


@dataclasses.dataclass(frozen=True, slots=True)
class About:
    """What a setting means and which values it takes: integers `low..high`, others what `parse` accepts.

    `parse` takes what TOML gave, or the text of a flag or variable, and raises ValueError with the reason.
    """

    meaning: str
    low: int = 1
    high: int = 2**40
    parse: Callable[[object], object] | None = None
    default: str = ""
    """Said in place of the default, where that is computed."""


@dataclasses.dataclass(frozen=True, slots=True)
class Setting:
    """One leaf of the tree."""

    key: str
    type: Any
    about: About
    default: object
    required: bool

    @property
    def variable(self) -> str:
        """`OSTRAKA_PAXOS_HEARTBEAT_MS` of `paxos.heartbeat_ms`."""
        return variable_of(self.key)

    @property
    def flag(self) -> str:
        """`--paxos-heartbeat-ms` of `paxos.heartbeat_ms`."""
        return "--" + re.sub(r"[._]", "-", self.key)

    @property
    def choices(self) -> tuple[str, ...]:
        """The values of a setting that has a handful of them, else nothing."""
        if self.type is bool:
            return ("true", "false")
        return get_args(self.type) if get_origin(self.type) is Literal else ()

    @property
    def unit(self) -> str:
        """Units stand in the names."""
        words = self.key.rpartition(".")[2].split("_")
        return next((unit for unit in _UNITS if unit in words), "")

    @property
    def default_text(self) -> str:
        """The default as one would write it; "required" where there is none."""
        if self.required:
            return "required"
        return self.about.default or (str(self.default).lower() if self.type is bool else str(self.default))


def variable_of(key: str) -> str:
    """The environment variable of a key."""
    return ENV_PREFIX + key.replace(".", "_").upper()


def settings_of(tree: type, prefix: str = "") -> dict[str, Setting]:
    """All leaves of a tree of dataclasses by dotted key, in the order in which they are declared."""
    found: dict[str, Setting] = {}
    hints = get_type_hints(tree, include_extras=True)
    for field in dataclasses.fields(tree):
        hint, key = hints[field.name], prefix + field.name
        if get_origin(hint) is Annotated:
            of_type, about = get_args(hint)
            required = field.default is dataclasses.MISSING
            found[key] = Setting(key, of_type, about, field.default, required)
        else:
            found |= settings_of(hint, key + ".")
    return found


def read(tree: type, file: Path | None, environ: Mapping[str, str], flags: Mapping[str, str]) -> dict[str, Any]:
    """The values given for the leaves of `tree`, by dotted key; later sources override earlier ones.

    `flags` are texts by dotted key. Raises ConfigError for an unreadable file, an unknown key or variable, a
    value of the wrong type or out of range, and a required setting that no source gives.
    """
    settings = settings_of(tree)
    values: dict[str, Any] = {}
    if file is not None:
        for key, raw in _flatten(_load(file), settings, file):
            values[key] = _checked(settings[key], raw, f"{file}: {key}")
    for variable, key in _variables(environ, settings):
        values[key] = _checked(settings[key], _from_text(settings[key], environ[variable]), variable)
    for key, text in flags.items():
        values[key] = _checked(settings[key], _from_text(settings[key], text), settings[key].flag)
    for setting in settings.values():
        if setting.required and setting.key not in values:
            where = f"in {file}" if file else "in a file named with --config"
            raise ConfigError(f"{setting.key} is required: set it {where}, as {setting.variable} or {setting.flag}")
    return values


def build(tree: type, values: Mapping[str, Any], prefix: str = "") -> Any:
    """An instance of `tree` with the given leaves and the defaults of the others."""
    given: dict[str, Any] = {}
    for field in dataclasses.fields(tree):
        key = prefix + field.name
        if key in values:
            given[field.name] = values[key]
        elif dataclasses.is_dataclass(field.default):
            given[field.name] = build(type(field.default), values, key + ".")
    return tree(**given)


def nearest(name: str, known: Collection[str]) -> str:
    """ "; did you mean X?" where some known name is close, else the list of what is known when it is short."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    if close:
        return f"; did you mean {close[0]}?"
    return f"; known are {', '.join(known)}" if len(known) < 10 else ""


def _load(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read {file}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:  # the latter of lists in lists, the former of all else
        raise ConfigError(f"{file} is not TOML: {error}") from error


def _flatten(
    table: Mapping[str, Any], settings: Mapping[str, Setting], file: Path, prefix: str = ""
) -> list[tuple[str, object]]:
    sections = {key.rpartition(".")[0] for key in settings}
    found: list[tuple[str, object]] = []
    for name, raw in table.items():
        key = prefix + name
        if key in settings:
            found.append((key, raw))
        elif key in sections and isinstance(raw, dict):
            found += _flatten(raw, settings, file, key + ".")
        elif key in sections:
            raise ConfigError(f"{file}: {key} is a section: write [{key}]")
        else:
            raise ConfigError(f"{file}: unknown key {key}{nearest(key, settings)}")
    return found


def _variables(environ: Mapping[str, str], settings: Mapping[str, Setting]) -> list[tuple[str, str]]:
    known = {setting.variable: setting.key for setting in settings.values()}
    found = []
    for variable in environ:
        if variable in known:
            found.append((variable, known[variable]))
        elif variable.startswith(ENV_PREFIX) and not _is_foreign(variable):
            raise ConfigError(f"unknown environment variable {variable}{nearest(variable, known)}")
    return found


def _is_foreign(variable: str) -> bool:
    # All others are refused: a mistyped setting must not be dropped silently, least of all one that is a bound.
    return variable in _CLIENT_VARIABLES or _SERVICE_LINK.search(variable) is not None


def _from_text(setting: Setting, text: str) -> object:
    if setting.type is bool and text in setting.choices:
        return text == "true"
    if setting.type is int and re.fullmatch(r"-?\d+(_\d+)*", text):
        return int(text)
    return text


def _checked(setting: Setting, raw: object, where: str) -> object:
    about = setting.about
    if about.parse is not None:
        try:
            return about.parse(raw)
        except ValueError as error:
            raise ConfigError(f"{where}: {error}") from error
    if setting.type is int:
        # `type`, since True is an int to isinstance.
        if type(raw) is not int or not about.low <= raw <= about.high:
            raise ConfigError(f"{where} must be an integer from {about.low} to {about.high}, not {raw!r}")
    elif setting.type is bool:
        if type(raw) is not bool:
            raise ConfigError(f"{where} must be true or false, not {raw!r}")
    elif raw not in setting.choices:
        raise ConfigError(f"{where} must be one of {', '.join(setting.choices)}, not {raw!r}")
    return raw
