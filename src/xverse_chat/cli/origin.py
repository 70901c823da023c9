"""Where the value of an option comes from: typed, a variable, the file, or the default."""

import os
from enum import Enum
from typing import Any

from xverse_chat.cli.config_file import ConfigFile
from xverse_chat.cli.declarations import Declaration
from xverse_chat.wording import Sentence, say


class Origin(Enum):
    """The four origins, each above the next."""

    OPTION = "option"
    VARIABLE = "variable"
    FILE = "file"
    DEFAULT = "default"


_BY_PARSERS_NAME = {
    "COMMANDLINE": Origin.OPTION,
    "ENVIRONMENT": Origin.VARIABLE,
    "DEFAULT_MAP": Origin.FILE,
    "DEFAULT": Origin.DEFAULT,
}


def origin_of(context: Any, name: str) -> Origin:
    """Return where the value of an option comes from; ``context`` is the parser's."""
    return _BY_PARSERS_NAME[context.get_parameter_source(name).name]


def told_origin(context: Any, declaration: Declaration, config: ConfigFile) -> Sentence | str:
    """Return that as the user knows it: the option, the variable's name, the key and its line."""
    origin = origin_of(context, declaration.name)
    if origin is Origin.VARIABLE:
        return next(name for name in declaration.variables if os.environ.get(name))
    if origin is Origin.FILE:
        return config.where(declaration.key)
    if origin is Origin.OPTION:
        return declaration.words[0]
    return say("the default")
