"""How long things are kept: for ever unless set, and never in contradiction."""

from datetime import timedelta

import pytest

from gateway.settings import settings_from
from shared.errors import OperatorMustAct
from tests.unit.cli.test_keys import SETTINGS

BASE = {**SETTINGS, "CUTROOM_DATABASE_PATH": "kept.sqlite3"}


def kept(**days):
    return settings_from(
        BASE | {f"CUTROOM_RETENTION_{name.upper()}": value for name, value in days.items()}
    ).retention


def test_what_people_made_or_brought_is_kept_unless_a_time_is_set():
    usual = kept()
    assert (usual.outputs_days, usual.assets_days, usual.jobs_days) == (None, None, None)
    assert usual.outputs_kept is None
    assert kept(outputs_days="30").outputs_kept == timedelta(days=30)


@pytest.mark.parametrize(
    "days", [{"jobs_days": "30"}, {"jobs_days": "30", "outputs_days": "31"}]
)
def test_a_job_does_not_go_before_its_outputs(days):
    with pytest.raises(OperatorMustAct, match="CUTROOM_RETENTION_OUTPUTS_DAYS"):
        kept(**days)
    assert kept(jobs_days="30", outputs_days="30").jobs_days == 30


@pytest.mark.parametrize("value", ["0", "-1", "36501", "1.5", "soon"])
def test_a_time_is_whole_days_and_at_least_one(value):
    with pytest.raises(OperatorMustAct, match="CUTROOM_RETENTION_ASSETS_DAYS"):
        kept(assets_days=value)
