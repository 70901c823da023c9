from training.export import model_card

FIGURES = {
    "16 bits": {"recall zh 2": 99.0, "add en": 90.0, "ended": 100.0},
    "4 bits": {"recall zh 2": 98.5, "add en": 88.0, "ended": 100.0},
}


def test_the_card_holds_every_figure_and_no_placeholder() -> None:
    card = model_card(FIGURES, 14_550_000)
    assert "14.6 million" in card or "14.5 million" in card
    assert "| recalled 2 turns later, Chinese | 99.0 | 98.5 |" in card
    assert "| answers that ended by themselves | 100.0 | 100.0 |" in card
    assert "{" not in card


def test_the_card_says_that_it_is_not_xverse() -> None:
    assert "It is not XVERSE" in model_card(FIGURES, 1)
