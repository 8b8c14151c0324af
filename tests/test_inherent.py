"""What is measured on small glasses as quenched; its numbers on arrays of known laws; samples restored from data/."""

import shutil
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from glasslib import ensemble, measured, store
from glasslib.papers import campaign, coarse_graining, glasses, inherent, results
from glasslib.particles.box import Box
from glasslib.particles.forces import evaluate
from glasslib.particles.hessian import moduli
from glasslib.protocols import local_yield, prepare

LEDGER = store.ledger_file("claims.yaml").read_bytes()
SEED = 11
RECIPE = glasses.recipe("HTL", 400)._replace(melting_time=5.0)


@pytest.fixture(scope="module", autouse=True)
def folder(own_results):
    """Of this module alone."""


@pytest.fixture(scope="module")
def task():
    return inherent.task(RECIPE, SEED, sites=3)


@pytest.fixture(scope="module")
def paths(task):
    with ThreadPoolExecutor(1) as here:
        return ensemble.run(task, 2, here, progress=False)


def test_a_sample_is_that_of_its_glass(task, paths):
    arrays, (first, _) = ensemble.load(paths)
    packing = glasses.packing(RECIPE, SEED, 1)
    found = local_yield.local_yield_map(packing, RECIPE.potential, local_yield.grid_sites(packing.box, 3))
    assert arrays["moved"].tolist() == [0, 0] and arrays["residual_strength"].shape == (2, 9, 18)
    assert arrays["residual_strength"][1] == pytest.approx(found.residual_strength, rel=1e-6, nan_ok=True)
    assert arrays["stress_drop"][1] == pytest.approx(found.stress_drop, rel=1e-6, nan_ok=True)
    glass = ensemble.sample_arrays(glasses.glass_task(RECIPE, SEED), 1)
    assert arrays["energy"][1] == pytest.approx(float(glass["inherent_energy"]), rel=1e-12)
    assert arrays["pressure"][1] == pytest.approx(-arrays["stress"][1, :2].mean(), rel=1e-12)
    measured = inherent.Maps(arrays)
    assert measured.frozen_stress()[1] == pytest.approx(found.local_stress, abs=1e-5)
    assert task.name == "inherent-HTL" and first["entropy"] == [SEED, 0]


def test_thresholds_are_projected_and_carry_their_drop(paths):
    measured = inherent.Maps(ensemble.load(paths)[0])
    yields, drops = measured.yielding()
    strength, external = measured.arrays["residual_strength"].astype(float), yields - measured.frozen_stress()
    for k in (0, 5):
        wanted = local_yield.projected_threshold(strength, measured.angles, measured.angles[k])
        assert external[..., k] == pytest.approx(wanted)
    assert (external > 0).all() and np.isfinite(drops).all()
    assert set(drops.ravel()) <= set(measured.arrays["stress_drop"].astype(float).ravel())


def test_fewer_directions_bear_no_less(paths):
    """A threshold is the least over directions: with every third of them alone it is as high or higher."""
    whole = inherent.Maps(ensemble.load(paths)[0])
    fewer = whole.every(3)
    assert fewer.angles == pytest.approx(whole.angles[::3]) and len(fewer.angles) == 6
    assert fewer.frozen_stress() == pytest.approx(whole.frozen_stress()[..., ::3])
    assert (fewer.yielding()[0] >= whole.yielding()[0][..., ::3] - 1e-9).all()


def test_a_turned_packing_is_the_same_glass_sheared_at_45_degrees():
    packing, potential = glasses.packing(RECIPE, SEED, 0), RECIPE.potential
    turned = inherent.turned(packing)
    state, other = evaluate(packing, potential), evaluate(turned, potential)
    assert other.energy == pytest.approx(state.energy, rel=1e-12) and other.pressure == pytest.approx(state.pressure)
    assert other.stress[0, 1] == pytest.approx(0.5 * (state.stress[0, 0] - state.stress[1, 1]), abs=1e-10)

    def energy(strain):  # of pure shear along the edges of the cell as it was
        stretch = np.exp([strain / 2, -strain / 2])
        box = Box.of(np.array(packing.box.lengths) * stretch)
        return prepare.quench(packing._replace(positions=packing.positions * stretch, box=box), potential, 1e-10)[1]

    step, n = 2e-4, len(packing.positions)
    second = n * (energy(step) - 2 * energy(0.0) + energy(-step)) / step**2 / packing.box.volume
    # simple shear makes the strain gamma^2 / 2 along y beside gamma / 2, pure shear gamma^2 / 4 along both
    wanted = moduli(turned, potential).shear - (other.stress[1, 1] + other.pressure)
    assert second == pytest.approx(wanted, rel=1e-3)
    with pytest.raises(ValueError, match="box = .*square"):
        inherent.turned(turned)


@pytest.fixture
def clone(tmp_path, monkeypatch):
    ledger = store.ledger_file("claims.yaml").read_bytes()
    monkeypatch.setattr(store, "_CLONE", tmp_path / "data")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "claims.yaml").write_bytes(ledger)
    (tmp_path / "data" / "registry.txt").touch()
    monkeypatch.setenv("GLASSLIB_RESULTS", str(tmp_path / "results"))
    return tmp_path


def test_a_fresh_clone_goes_on_from_what_is_published(clone):
    made = glasses.glass_task(glasses.recipe("HTL", 100), SEED)
    with ThreadPoolExecutor(1) as here:
        written = ensemble.run(made, 2, here, progress=False)
        before = [path.read_bytes() for path in written]
        assert ensemble.publish_samples(made)[0].name == "HTL-100.npz", "glasses of another size stand apart"
        store.register()
        for path in written:
            path.unlink()
        assert ensemble.restore(made) == written
        stamps = [path.stat().st_mtime_ns for path in written]
        assert ensemble.run(made, 2, here, progress=False) == written
    assert [path.stat().st_mtime_ns for path in written] == stamps
    assert [path.read_bytes() for path in written] == before
    assert ensemble.restore(made) == []


def test_a_sample_that_is_published_is_not_computed_again(clone):
    made = glasses.glass_task(glasses.recipe("HTL", 100), SEED)
    wanted = ensemble.sample_arrays(made, 0)
    ensemble.publish_samples(made)
    store.register()
    made.path(0).unlink()
    made.path(0).parent.rmdir()
    found = ensemble.sample_arrays(made, 0)
    assert all(found[name].tobytes() == values.tobytes() for name, values in wanted.items())
    assert ensemble.publish_samples(made)[0].exists() and len(glasses.published("HTL-100")) == 1
    other = glasses.glass_task(glasses.recipe("HTL", 101), SEED)
    assert ensemble.restore(other) == [] and ensemble.restore(glasses.glass_task(glasses.recipe("HTL", 100), SEED + 1)) == []


def test_a_published_file_does_not_lose_samples(clone):
    made = glasses.glass_task(glasses.recipe("HTL", 100), SEED)
    for sample in (0, 1):
        ensemble.sample_arrays(made, sample)
    path, = ensemble.publish_samples(made)
    store.register()
    before = path.read_bytes()
    made.path(1).unlink()
    ensemble.publish_samples(made)
    assert path.read_bytes() == before


@pytest.fixture
def synthetic():
    """Samples of two glasses: strengths equal in all directions, drops exponential, their mean 0.1 + 0.2 sigma_c^2."""
    generator, shape = np.random.default_rng(5), (6, 2000)

    def made(width, strength):
        stress = generator.normal(0, width, (*shape, 3))
        stress[..., :2] *= np.sqrt(2)  # so that half of their difference is as wide as the shear stress
        values = np.repeat(generator.gamma(9.0, strength / 9.0, shape)[..., None], 18, axis=-1)
        moduli = np.array([14.0, 15.0]) + generator.normal(0, 0.1, (6, 2))
        law = generator.exponential(0.1 + 0.2 * values**2)
        arrays = {"local_stress": stress, "residual_strength": values, "stress_drop": law, "shear_moduli": moduli}
        zero, bulk = np.zeros(6), 52 + generator.normal(0, 0.1, 6)
        return inherent.Maps(arrays | {"energy": zero, "pressure": zero, "bulk_modulus": bulk})

    return {"ESL": made(0.175, 1.2), "MCT": made(0.175, 1.0)}


def within(estimate, wanted, least=0.0):
    return abs(estimate.value - wanted) < 4 * estimate.error + least and estimate.error > 0


def numbers(maps):
    return inherent.Numbers(maps.summary())


def test_numbers_of_known_laws_are_found(synthetic):
    esl, mct = numbers(synthetic["ESL"]), numbers(synthetic["MCT"])
    assert within(esl.mean("shear_modulus"), 14.5) and within(esl.mean("bulk_modulus"), 52.0)
    assert within(esl.frozen_width(), 0.175) and within(esl.mean("yield_mean"), 1.2)
    assert within(esl.mean("yield_square"), 1.2**2 * (1 + 1 / 9) + 0.175**2)
    assert within(inherent.age(esl, mct), 0.2)
    flat = inherent.Maps(synthetic["ESL"].arrays | {"local_stress": np.zeros((6, 2000, 3))})
    assert within(numbers(flat).mean("parabola"), 0.2) and flat.frozen_stress().max() == 0


@pytest.mark.parametrize("law, wanted", [("exponential", 0.0), ("uniform", 0.5 * (1 - np.log(2)))])
def test_an_exponential_law_has_no_gap_and_others_have(law, wanted):
    draw = np.random.default_rng(1)
    drops = draw.exponential(0.3, (4, 50_000)) if law == "exponential" else draw.uniform(0, 2, (4, 50_000))
    values = {"drop_mean": drops.mean(axis=1), "drop_survival": np.array([inherent.survival(one) for one in drops])}
    # 1 - x / 2 and exp(-x) part most at x = log 2
    assert inherent.Numbers(values).exponential_gap().value == pytest.approx(wanted, abs=0.006)


def publish(synthetic, samples):
    arrays = {f"{glass}/{name}": values[:samples[glass]] for glass, maps in synthetic.items()
              for name, values in maps.summary().items()}  # fmt: skip
    store.write(store.ledger_file(inherent.FILE), campaign.stored(arrays), {})
    store.register()


def test_claims_are_measured_from_two_samples_on(clone, synthetic):
    assert measured.measure("coarse_graining") == {}
    publish(synthetic, {"ESL": 6, "MCT": 2})
    found = measured.measure("coarse_graining")
    of_all = {"frozen_stress_width", "stress_drop_exponential", "stress_drop_parabolic"}  # said of three glasses
    names = {"mu_ESL", "K_ESL", "yield2_ESL", "yield2_MCT", "age_ESL"}
    assert set(found) == names | of_all and all(np.min(found[name].error) > 0 for name in names)
    assert all(found[name].ours is None and "GQ is not mapped yet" in found[name].why for name in of_all)
    assert found["mu_ESL"].samples == 6 and found["age_ESL"].samples == 2
    publish(synthetic, {"ESL": 1, "MCT": 2})
    assert set(measured.measure("coarse_graining")) == {"yield2_MCT"} | of_all


def test_maps_and_numbers_are_published_together(clone, paths, task, monkeypatch):
    monkeypatch.setattr(coarse_graining, "stages", lambda given: {"inherent": [(task, 5)]})
    monkeypatch.setenv("GLASSLIB_RESULTS", str(paths[0].parents[1]))
    assert [path.name for path in campaign.publish(coarse_graining)] == [
        "inherent-HTL-400.npz", "results.npz"], "one of another size than the catalogue's"  # fmt: skip
    store.register()
    found = inherent.numbers(results.published(coarse_graining.Parameters()).arrays)["HTL"]
    maps = inherent.maps_of("HTL-400")
    assert maps.samples == 2 and inherent.maps_of("ESL") is None
    assert found.mean("bulk_modulus").value == pytest.approx(maps.arrays["bulk_modulus"].mean())


def test_more_samples_are_published_over_fewer(clone, paths, task, monkeypatch, tmp_path):
    monkeypatch.setattr(coarse_graining, "stages", lambda given: {"inherent": [(task, 5)]})
    few = tmp_path / "few" / paths[0].parent.name
    few.mkdir(parents=True)
    shutil.copy(paths[0], few)
    for folder, samples in ((tmp_path / "few", 1), (paths[0].parents[1], 2)):
        monkeypatch.setenv("GLASSLIB_RESULTS", str(folder))
        campaign.publish(coarse_graining)
        store.register()
        assert inherent.maps_of("HTL-400").samples == samples


def test_publish_computes_nothing(clone, monkeypatch):
    (clone / "data" / "claims.yaml").write_bytes(LEDGER)
    monkeypatch.setattr(ensemble, "_compute", lambda *arguments: pytest.fail("a sample was computed"))
    assert campaign.publish(coarse_graining) == []


def test_smoke_and_book_have_their_own_glasses():
    book, smoke = (coarse_graining.stages(coarse_graining.Parameters(scale=scale)) for scale in ("book", "smoke"))
    by_label = {task.label: (task, count) for task, count in book["inherent"]}
    assert by_label["GQ"][0].parameters.glass == glasses.recipe("GQ") and by_label["GQ"][1] == glasses.CATALOGUE["GQ"].samples
    assert all(task.parameters.glass.steps < 10_000 or count == 2 for task, count in smoke["inherent"])
    assert smoke["inherent"][0][0].parameters.glass.particles == 400


def test_core_seconds_are_those_that_samples_took():
    """Within a factor of two: another machine, or an engine that has become faster, must not make costs a fiction."""
    for made, task in ((glasses.recipe("ESL"), glasses.glass_task), (glasses.recipe("ESL"), inherent.task)):
        of_glass = task(made)
        if not store.is_published(of_glass.archive):
            pytest.skip(f"{of_glass.archive} is not published in this tree")
        record = store.read(store.published(of_glass.archive)).provenance
        assert of_glass.core_seconds == pytest.approx(record["core_seconds"] / record["samples"], rel=0.5)
