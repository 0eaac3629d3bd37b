"""What the environment says of budgets."""

from decimal import Decimal

import pytest

from gateway.core.budgets import UNLIMITED_MICRO_USD, Caps
from gateway.settings.groups import BudgetSettings
from shared.errors import OperatorMustAct
from tests.support.variables import read


def caps_of(settings: BudgetSettings) -> Caps:
    return Caps.of_usd(settings.day_usd, settings.month_usd)


def test_without_a_word_there_is_no_cap():
    assert caps_of(read().budget) == Caps(UNLIMITED_MICRO_USD, UNLIMITED_MICRO_USD)


def test_caps_are_dollars_of_six_places():
    settings = read(CUTROOM_BUDGET_DAY_USD="2.50", CUTROOM_BUDGET_MONTH_USD="31.000001")
    assert settings.budget.day_usd == Decimal("2.50")
    assert caps_of(settings.budget) == Caps(2_500_000, 31_000_001)


@pytest.mark.parametrize("said", ["-1", "1e12", "0.0000001", "NaN", "none", ""])
def test_what_is_no_amount_is_refused_by_its_name(said):
    with pytest.raises(OperatorMustAct, match="CUTROOM_BUDGET_DAY_USD"):
        read(CUTROOM_BUDGET_DAY_USD=said)


def test_a_day_over_its_month_contradicts_it():
    with pytest.raises(OperatorMustAct, match=r"BUDGET_DAY_USD is over CUTROOM_BUDGET_MONTH"):
        read(CUTROOM_BUDGET_DAY_USD="5", CUTROOM_BUDGET_MONTH_USD="4")
