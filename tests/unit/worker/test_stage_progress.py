from hypothesis import given
from hypothesis import strategies as st

from gpu_worker.stage_progress import MOST, StageProgress

EXPORT = ("prepare", "render", "upload", "persist")
STAGES = st.sampled_from((*EXPORT, "daydream"))
FRACTIONS = st.floats(-1, 2, allow_nan=False)


def test_the_work_has_what_fetching_and_putting_leave():
    progress = StageProgress(EXPORT)
    assert progress.at("prepare", 1.0) == ("prepare", 0.05)
    assert progress.at("render", 0.5) == ("render", 0.05 + 0.85 * 0.5)
    assert progress.at("upload", 0.0) == ("upload", 0.9)


def test_stages_of_the_work_share_evenly():
    progress = StageProgress(("prepare", "analyze", "render", "persist"))
    stage, overall = progress.at("render", 0.0)
    assert (stage, round(overall, 6)) == ("render", 0.515)


def test_a_stage_that_is_behind_changes_nothing():
    progress = StageProgress(EXPORT)
    now = progress.at("upload", 0.5)
    assert progress.at("render", 1.0) == now


@given(st.lists(st.tuples(STAGES, FRACTIONS)))
def test_it_never_goes_back_and_never_says_that_all_is_done(said):
    progress = StageProgress(EXPORT)
    heard = [progress.at(stage, fraction) for stage, fraction in said]
    places = [(EXPORT.index(stage), overall) for stage, overall in heard]
    assert places == sorted(places)
    assert all(0 <= overall <= MOST for _, overall in places)
