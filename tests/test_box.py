import numpy as np
import pytest

from glasslib.particles.box import Box, affine


@pytest.mark.parametrize("strain", [0.0, 0.3, -0.49, 0.7, 20.123, -7.5])
@pytest.mark.parametrize("lengths", [(7.0, 5.0), (6.0, 8.0, 5.0)])
def test_wrapping_moves_by_lattice_vectors_only(lengths, strain):
    box = Box.of(lengths, strain)
    x = np.random.default_rng(0).normal(0, 30, (200, len(lengths)))
    wrapped = box.wrap(x)
    assert (wrapped >= 0).all() and (wrapped < np.array(lengths)).all()
    turns = np.linalg.solve(box.lattice(), (wrapped - x).T)
    assert np.abs(turns - np.round(turns)).max() < 1e-11
    assert abs(box.offset) <= lengths[0] / 2 + 1e-12


@pytest.mark.parametrize("strain", [0.0, 0.5, 1.37, 20.2])
@pytest.mark.parametrize("dimension", [2, 3])
def test_minimum_image_is_the_shortest_of_all_images(strain, dimension):
    box = Box.of((6.0, 7.0, 5.0)[:dimension], strain)
    d = np.random.default_rng(1).uniform(-10, 10, (300, dimension))
    turns = np.stack(np.meshgrid(*[np.arange(-4, 5)] * dimension, indexing="ij"), -1).reshape(-1, dimension)
    shortest = np.min([np.linalg.norm(d + box.lattice() @ turn, axis=1) for turn in turns], axis=0)
    found = np.linalg.norm(box.minimum_image(d), axis=1)
    short = shortest < min(box.lengths) / 2
    assert np.allclose(found[short], shortest[short], rtol=0, atol=1e-12)


def test_shear_by_a_whole_edge_is_the_same_lattice():
    box = Box.of((4.0, 8.0))
    assert np.allclose(box.sheared(0.5).lattice(), box.lattice())
    assert np.allclose(affine([[1.0, 2.0]], 0.1), [[1.2, 2.0]])
    assert np.allclose(box.unsheared(affine([[1.0, 2.0]], 0.1), 0.1), [[1.0, 2.0]])
    assert box.scaled(2.0).volume == 4 * box.volume


@pytest.mark.parametrize("lengths", [(1.0,), (1.0, -1.0), (1.0, np.nan), (1.0, 1.0, 1.0, 1.0)])
def test_impossible_boxes_are_refused(lengths):
    with pytest.raises(ValueError, match="lengths|dimension"):
        Box.of(lengths)
