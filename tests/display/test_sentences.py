"""The sentence under each table, from verdicts that are given."""

import pytest

from genbench.display.sentences import conclusion
from verdict_boards import BARELY, GOOD, INFINITE, LEADS, OPEN, WORSE, board_of, judged, row


def said(*judgements, metric="w2", **how):
    board = board_of(*judgements, metric=metric, others=how.pop("others", ()))
    return conclusion(board, "d", **how)


def test_who_leads_who_is_worse_and_who_is_open():
    models = {"kde": LEADS, "cfm": OPEN, "ar": OPEN, "gan": (False, 1.19, 5.8), "vae": WORSE}
    assert said(judged(models, dataset="d")) == (
        "On d after 10 s, kde leads in W2; three of five models may be the best; "
        "vae is at least 1.7 times and gan at least 1.1 times worse; cfm and ar are open."
    )


def test_a_bound_is_never_rounded_to_a_stronger_claim():
    found = said(judged({"a": LEADS, "b": (False, 1.99, 3.0), "c": (False, 1.0999, 2.5)}))
    assert "b is at least 1.9 times worse" in found, "not 2"
    assert "c is worse, by how much is open" in found, "1.09 is 1.0 with one digit"
    assert "by how much is open" in said(judged({"a": LEADS, "b": BARELY}))


def test_who_leads_alone_is_best():
    models = {"a": LEADS, "b": WORSE, "c": WORSE}
    assert said(judged(models)) == "On d after 10 s, a is best in W2; b and c are at least 1.7 times worse."


def test_as_good_is_told_from_open():
    models = {"a": LEADS, "b": GOOD, "c": OPEN, "d": WORSE}
    assert said(judged(models, margin=1.1)) == (
        "On d after 10 s, a leads in W2; three of four models may be the best; b is as good; "
        "d is at least 1.7 times worse; c is open."
    )
    assert said(judged(dict(list(models.items())[:3]), margin=1.1)) == (
        "On d after 10 s, a leads in W2; no model is worse; b is as good; c is open."
    )
    assert said(judged({"a": LEADS, "b": GOOD, "c": GOOD}, margin=1.1)) == (
        "On d after 10 s, a leads in W2, and both others are as good."
    )
    assert said(judged({"a": LEADS, "b": GOOD}, margin=1.1)) == (
        "On d after 10 s, a leads in W2, and the other model is as good."
    )


@pytest.mark.parametrize(("n", "word"), [(2, "two"), (10, "ten"), (13, "13")])
def test_where_nothing_is_decided_the_seeds_cannot_tell(n, word):
    models = {"m0": LEADS} | {f"m{i}": OPEN for i in range(1, n)}
    assert (
        said(judged(models))
        == f"On d after 10 s, m0 leads in W2, but the {word} models do not differ significantly with three seeds."
    )


def test_long_lists_are_cut():
    models = {"lead": LEADS} | {f"o{i}": OPEN for i in range(7)}
    models |= {f"w{i}": (False, 9.0 - i, 20.0) for i in range(6)}
    assert said(judged(models)) == (
        "On d after 10 s, lead leads in W2; eight of 14 models may be the best; w0 is at least 9 times, "
        "w1 at least 8 times, w2 at least 7 times and three more at least 4 times worse; "
        "o0, o1, o2, o3, o4 and two more are open."
    )
    assert "o0, o1, o2, o3, o4 and o5 are open" in said(judged({k: v for k, v in models.items() if k != "o6"}))


def test_differences_have_their_unit():
    models = {
        "a": (True, -0.01, 0.0),
        "b": (True, -0.001, 0.0032),
        "c": (False, 0.0069, 0.0117),
        "d": (False, 0.0, 0.2),
    }
    found = judged(models, metric="nll", scale="difference", margin=0.004)
    assert said(found, metric="nll") == (
        "On d after 10 s, a leads in NLL; b is as good; c is at least 0.006 nats worse; d is worse, by how much is open."
    )


def test_kinds_of_likelihood_have_sentences_of_their_own():
    exact = judged({"a": LEADS, "b": WORSE}, metric="kl", kind="exact")
    bound = judged({"c": LEADS, "e": OPEN}, metric="kl", kind="bound")
    alone = row("f", 2.0, likelihood="estimate", metric="kl")
    assert said(bound, exact, metric="kl", others=[alone]) == (
        "On d after 10 s, a is best in KL among exact likelihoods; b is at least 1.7 times worse. "
        "c leads among upper bounds, but the two models do not differ significantly with three seeds; "
        "f has a likelihood of another kind and is not compared."
    )


def test_what_would_decide_has_a_place():
    models = {"kde": LEADS, "vae": WORSE, "cfm": OPEN}
    found = said(judged(models), outlook=lambda contest: f"{len(contest.rows)} more seeds would decide")
    assert found.endswith("cfm is open: 3 more seeds would decide.")
    found = said(judged({"kde": LEADS, "cfm": OPEN}), outlook=lambda contest: "2 more seeds would decide")
    assert found.endswith("the two models do not differ significantly with three seeds; 2 more seeds would decide.")
    assert "would decide" not in said(judged({"kde": LEADS, "vae": WORSE}), outlook=lambda contest: "none would decide")


def test_infinite_scores_and_single_seeds_are_told():
    lost = row("never", INFINITE)
    lost.metrics["w2"].verdict = "worse"
    assert said(judged({"a": LEADS, "b": WORSE}), others=[lost, row("solo", 1.5, seeds=1)]) == (
        "On d after 10 s, a is best in W2; b is at least 1.7 times worse; never has an infinite score; "
        "solo has one seed and is not compared."
    )


def test_what_cannot_be_compared_says_why():
    def alone(*rows):
        return conclusion(board_of(others=rows), "d")

    assert alone(row("a", 1.0, seeds=1), row("b", 2.0, seeds=1)) == (
        "On d after 10 s, a has the best W2 of two models, but one seed cannot show a significant difference; use --seeds 3."
    )
    assert alone(row("a", 1.0), row("oracle", 0.5, role="oracle")) == (
        "On d after 10 s, a is the only model with a score in W2, and there is nothing to compare it with."
    )
    assert "a is the only model with a finite score" in alone(row("a", 1.0), row("b", INFINITE))
    assert alone(row("a", INFINITE)) == "On d after 10 s, no model has a finite W2."
    assert alone(row("a", 1.0), row("b", 2.0, seeds=1)).endswith("which a comparison needs; use --seeds 3.")
    assert alone(row("oracle", 0.5, role="oracle")) == ""


@pytest.mark.parametrize(
    ("budgets", "after"),
    [
        (("smoke",), " after half a second"),
        (("standard",), " after 45 s"),
        (("30s",), " after 30 s"),
        (("2000",), " after 2,000 steps"),
        (("quick", "standard"), ""),
    ],
)
def test_a_budget_is_told_where_all_have_the_same(budgets, after):
    assert said(judged({"a": LEADS, "b": WORSE}, budgets=budgets)).startswith(f"On d{after}, a is best")


def test_tables_of_other_tasks_are_named():
    _, rows = found = judged({"a": LEADS, "b": WORSE})
    for one in rows:
        one.place, one.task = "d, classify", "classify"
    assert conclusion(board_of(found), "d, classify").startswith("On d (task classify) after 10 s, a is best")
