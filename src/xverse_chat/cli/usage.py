"""What the parser of options complains about, in our words and with where it came from."""

from collections.abc import Sequence

import typer

from xverse_chat.cli.config_file import ConfigFile
from xverse_chat.cli.declarations import Declaration, find_declaration
from xverse_chat.cli.nearest import nearest_word
from xverse_chat.cli.origin import told_origin
from xverse_chat.errors import UsageError
from xverse_chat.wording import Sentence, foreign, say


def usage_error(
    error: typer.TyperException,
    *,
    program: str,
    table: Sequence[Declaration],
    config: ConfigFile,
) -> UsageError:
    """Return the error that tells what is wrong with an option, variable or key."""
    see_help = say("See {program} --help.", program=program)
    parameter = getattr(error, "param", None)
    if parameter is not None:
        declaration = next(row for row in table if row.name == parameter.name)
        where = told_origin(error.ctx, declaration, config)  # type: ignore[attr-defined]
        return UsageError(
            say("{where} {fault}.", where=where, fault=_fault(error, declaration)), hint=see_help
        )
    word = getattr(error, "option_name", None)
    if word is None:
        return UsageError(foreign(error.format_message()), hint=see_help)
    known = find_declaration(table, word)
    if known is None:
        words = [name for row in table for name in (*row.words, *row.off_words)]
        nearest = nearest_word(word, words)
        hint = say("Did you mean {word}? {more}", word=nearest, more=see_help)
        message = say("There is no option {word}.", word=word)
        return UsageError(message, hint=hint if nearest else see_help)
    if known.takes_value:
        return UsageError(
            say("{word} wants something after it: {metavar}.", word=word, metavar=known.metavar),
            hint=see_help,
        )
    return UsageError(say("{word} takes nothing after it.", word=word), hint=see_help)


def _fault(error: typer.TyperException, declaration: Declaration) -> Sentence:
    if isinstance(error.message, Sentence):
        return error.message
    if declaration.kind is bool:
        return say("must be true or false")
    return foreign(error.message)
