"""Maps of local yield stress of the polarity paper: functions for ``ensemble.Task``, each of one sample, and pairs of maps.

A site's strength is what the average stress of the inclusion around it grows by until it yields; its residual stress is what it
bears before; its local yield stress both together, at which it gives way (``readings`` tells of the other reading). It yields
where its branch of equilibria ends. The paper takes the first fall of the stress: where that has a smooth maximum just before,
or where an event is so small that the stress goes on rising, as ``drop`` tells, the two are not the same. Forward is the way of
the training. Stresses in GPa.
"""

from typing import NamedTuple

import numpy as np

from glasslib import ensemble
from glasslib.papers import costs
from glasslib.papers.polarity import samples, simulations

STATES = ("as-cast", "trained")
LARGEST_STRAIN = 0.3  # to which an inclusion is strained
_CHUNK = 64  # sites between two checkpoints
_CURVE = 30  # strains of the curve that is shown


class Map(NamedTuple):
    """A map of a glass after ``after`` cycles of ``training``: ``sites`` along an edge, spheres of ``radius`` [angstrom]."""

    training: simulations.Cycling
    after: int = 0
    sites: int = 16
    radius: float = 10.0


def map_task(spec, seed):
    """Return the ``ensemble.Task`` of a ``Map``."""
    atoms = spec.training.glass.atoms
    seconds = costs.inclusions(spec.sites, 2, spec.radius)
    return ensemble.Task(f"alloy-map-{atoms}", mapped, spec, seed, version=1, label=f"{atoms}", core_seconds=seconds)


def mapped(spec, sequence):
    """Return one sample of a ``Map`` by name, S sites in the order of ``local_yield.grid_sites``, forward and backward.

    strength, drop (S, 2) [GPa], yield_strain (S, 2): NaN where nothing yields; local_stress (S,) [GPa]: sigma_xy before, of the
    local_tensor (S, 3, 3); free (S,) atoms; displaced (S,): whether a place close by stands for a site where no branch was
    found; stress [GPa]: of the whole; site (n,): that of the cell in which an atom lies; moved (n,): D2min [angstrom^2] of an
    atom since the glass was cast, 0 as cast; most_moved (S,): the largest of these in the sphere of a site. Of the first sample
    also one inclusion in plain steps: shown_strain, shown_stress (2, K) [GPa], and shown_site, the number of its site.
    """
    from glasslib.particles.finnis_sinclair import GIGAPASCAL
    from glasslib.particles.forces import evaluate

    packing = spec.training.configuration(spec.after, sequence)
    checkpoint = ensemble.checkpoint_path(map_task(spec, sequence.entropy), sequence)
    found = _sites(spec, packing, checkpoint)
    found["local_stress"] = found["local_stress"][:, 0]  # sigma_xy: the first loading is forward simple shear
    result = {name: np.float32(found[name] / (1.0 if name == "yield_strain" else GIGAPASCAL))
              for name in ("strength", "drop", "local_stress", "local_tensor", "yield_strain")}  # fmt: skip
    law, moved = spec.training.glass.potential, _moved(spec, packing, sequence)
    result |= {
        "free": found["free"].astype(np.int32), "displaced": found["displaced"],
        "stress": np.array(evaluate(packing, law).shear_stress / GIGAPASCAL), "site": _site_of_atoms(packing, spec.sites),
        "moved": moved, "most_moved": _most(moved, packing, spec),
    }  # fmt: skip
    if spec.after == 0 and sequence.spawn_key[-1] == 0:
        result |= _shown(spec, packing, law, result["yield_strain"])
    checkpoint.unlink(missing_ok=True)
    return result


def _sites(spec, packing, checkpoint):
    """Return what ``local_yield`` finds, in units of the potential; goes on from a checkpoint."""
    from glasslib.protocols import local_yield

    law, places = spec.training.glass.potential, local_yield.grid_sites(packing.box, spec.sites)
    found = {}
    if checkpoint.exists():
        with np.load(checkpoint, allow_pickle=False) as file:
            found = {name: file[name] for name in file.files}
        simulations.same_potential(checkpoint, found, law)
        del found["potential"]
    while len(found.get("free", ())) < len(places):
        done = len(found.get("free", ()))
        part = local_yield.local_yield(packing, law, places[done : done + _CHUNK], local_yield.simple_shears(3),
                                       free_radius=spec.radius, largest_strain=LARGEST_STRAIN, nearby=True)  # fmt: skip
        part = {"strength": part.residual_strength, "drop": part.stress_drop, "yield_strain": part.yield_strain,
                "local_stress": part.local_stress, "local_tensor": part.stress, "free": part.free,
                "displaced": part.displaced}  # fmt: skip
        found = {name: np.concatenate([found[name], more]) for name, more in part.items()} if found else part
        if len(found["free"]) < len(places):
            _save(checkpoint, found, law)
    return found


def _save(checkpoint, found, law):
    from glasslib.particles.packing import fingerprint

    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    partial = checkpoint.with_suffix(".tmp.npz")
    np.savez(partial, potential=np.array(fingerprint(law)), **found)
    partial.replace(checkpoint)


def _site_of_atoms(packing, sites):
    """Return the number (n,) of the cell of the grid in which each atom lies."""
    fractions = packing.positions @ np.linalg.inv(packing.box.lattice()).T
    index = np.minimum(((fractions - np.floor(fractions)) * sites).astype(int), sites - 1)
    return np.ravel_multi_index(tuple(index.T), (sites,) * 3).astype(np.int32)


def _moved(spec, packing, sequence):
    """Return D2min (n,) between the glass as cast and this state."""
    from glasslib.analysis import fields

    if spec.after == 0:
        return np.zeros(len(packing.positions), np.float32)
    start = spec.training.configuration(0, sequence)
    turned = np.eye(3)
    turned[0, 1] = packing.box.strain - start.box.strain
    lattice = start.box.lattice()
    return np.float32(fields.local_gradients(start.positions, packing.positions, lattice, turned @ lattice,
                                             simulations.NEIGHBOURHOOD)[1])  # fmt: skip


def _most(values, packing, spec):
    """Return the largest (S,) of the ``values`` (n,) of atoms in the sphere of each site; 0 where there is none."""
    from glasslib.protocols.local_yield import grid_sites

    result = np.zeros(spec.sites**3, values.dtype)
    for number, site in enumerate(grid_sites(packing.box, spec.sites)):
        apart = packing.box.minimum_image(packing.positions - site)
        result[number] = values[(apart**2).sum(axis=1) < spec.radius**2].max(initial=0.0)
    return result


def _shown(spec, packing, law, yield_strain):
    """Return the curves of the site in the middle of the grid, of the one past it where edges have an even number of sites."""
    from glasslib.papers.maps import followed
    from glasslib.particles.finnis_sinclair import GIGAPASCAL
    from glasslib.protocols.local_yield import grid_sites

    number = np.ravel_multi_index((spec.sites // 2,) * 3, (spec.sites,) * 3)
    site = grid_sites(packing.box, spec.sites)[number]
    ends = np.where(np.isfinite(yield_strain[number]), yield_strain[number], LARGEST_STRAIN)
    strain = np.array([1.0, -1.0])[:, None] * 1.15 * ends[:, None] * np.linspace(0, 1, _CURVE)
    stress = np.array([followed(packing, law, site, spec.radius, one, tolerance=1e-5) for one in strain])
    return {"shown_strain": strain, "shown_stress": stress / GIGAPASCAL, "shown_site": np.array(number)}


class Pair(NamedTuple):
    """Maps of the same n samples as cast and trained: yield stresses (2, n, S, 2), local stresses (2, n, S) [GPa], by state.

    moved, site (n, N): D2min [angstrom^2] of the atoms over the training, and the cell in which each lies when trained.
    displaced (n, S): sites for which in either state a place close by stands: there differences are of unlike places;
    most_moved (n, S): the largest D2min in the sphere of a site.
    """

    strength: np.ndarray
    stress: np.ndarray
    moved: np.ndarray
    site: np.ndarray
    displaced: np.ndarray
    most_moved: np.ndarray

    @property
    def change(self):
        """Return what the yield stresses gained (n, S, 2); NaN where a site was displaced."""
        return np.where(self.displaced[..., None], np.nan, self.strength[1] - self.strength[0])


SIGNS = np.array([1.0, -1.0])  # of tau_0 in the yield stress, forward and backward


def yield_stress(strength, residual):
    """Return local yield stresses (..., 2), forward and backward as sizes, of strengths (..., 2), residual stresses (...)."""
    return strength + residual[..., None] * SIGNS


def pair(results, atoms, least=2):
    """Return the ``Pair`` of a page's results, of the samples that have both maps; None where fewer than ``least`` have."""
    names = [f"map {atoms} {state}" for state in STATES]
    if not samples.has(results, *(f"{name}/strength" for name in names)):
        return None
    numbers = [np.asarray(results[f"{name}/sample"]).astype(int) for name in names]
    _, *rows = np.intersect1d(*numbers, return_indices=True)
    if len(rows[0]) < least:
        return None
    strength, stress = (np.stack([np.asarray(results[f"{name}/{key}"])[row].astype(float) for name, row in zip(names, rows)])
                        for key in ("strength", "local_stress"))  # fmt: skip
    moved, site, most = (np.asarray(results[f"{names[1]}/{key}"])[rows[1]] for key in ("moved", "site", "most_moved"))
    displaced = np.any([np.asarray(results[f"{name}/displaced"])[row] for name, row in zip(names, rows)], axis=0)
    return Pair(yield_stress(strength, stress), stress, moved.astype(float), site.astype(int), displaced, most.astype(float))
