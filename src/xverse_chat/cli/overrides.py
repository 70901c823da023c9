"""The options that change how the model answers, checked one by one."""

from collections.abc import Mapping
from typing import Any

import typer

from xverse_chat.cli.declarations import declarations
from xverse_chat.cli.origin import Origin, origin_of, told_origin
from xverse_chat.cli.start import Start
from xverse_chat.config import GenerationSettings
from xverse_chat.errors import UsageError
from xverse_chat.wording import say


def check_overrides(context: typer.Context, *, greedy: bool, **options: Any) -> Mapping[str, Any]:
    """Return the options that were given. Raises UsageError for an impossible one.

    What was typed is known to who typed it; of anything else the error tells where it is from.
    """
    given = {name: value for name, value in options.items() if value is not None}
    start: Start = context.obj
    for name, value in given.items():
        try:
            GenerationSettings().overridden({name: value})
        except ValueError as error:
            hint = say("See xverse-chat --help.")
            if origin_of(context, name) is not Origin.OPTION:
                table = declarations(start.program.run)
                row = next(row for row in table if row.name == name)
                where = told_origin(context, row, start.config)
                hint = say("It comes from {where}.", where=where)
            fault = error.args[0]
            raise UsageError(say("Impossible option: {fault}.", fault=fault), hint=hint) from error
    return {"do_sample": False, **given} if greedy else given
