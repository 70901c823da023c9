"""Questions that the demo model was never trained on."""

from random import Random

from training.dialogues import write_dialogue


def demo_questions(count: int) -> list[str]:
    """Return first questions of ``count`` held-out dialogues, in both languages."""
    questions = []
    for number in range(count):
        messages = write_dialogue(Random(f"question {number}"), held_out=True).messages
        questions.append(next(m["content"] for m in messages if m["role"] == "user"))
    return questions
