"""The loop over pairs, block by block: what all kernels of forces and stiffness have in common.

A kernel takes the blocks of a list one after another; each is small enough to stay in the first-level cache:

    for b in range(len(pairs.blocks)):
        kind, start, count = _fetch(pairs, positions, lattice, b, delta, r2)    # differences, squared distances
        ...                                                                     # arithmetic, without branches: vectorises
        _push(pairs, delta, w, start, count, forces)                            # to both particles of each pair

Lanes from ``count`` on are filled up with pairs that are out of reach. Where pairs are told apart by diameters, each
has its own sigma: ``_sigmas`` returns one number or one a lane, ``_lane`` the number of a lane, and the potential's type
decides which, so that one loop serves both.
"""

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic, overload
from numba.np.arrayobj import make_array

from glasslib.particles.neighbours import BLOCK
from glasslib.particles.potentials import pair_reach, pair_terms, uses_diameters, where

_FAR = 1e12  # squared distance beyond any reach
_POINT = ir.VectorType(ir.DoubleType(), 2)


def _point(context, builder, array_type, array, index):
    """The address of point number ``index`` of an array of points (x, y)."""
    data = make_array(array_type)(context, builder, array).data
    return builder.gep(builder.bitcast(data, _POINT.as_pointer()), [index])


def _load(builder, address):
    value = builder.load(address)
    value.align = 8
    return value


@intrinsic
def _subtract_points(typing_context, x, i, j, out, p):
    """out[p] = x[j] - x[i], both coordinates at once; numba leaves them apart, which takes a third longer."""

    def generate(context, builder, signature, arguments):
        kinds, (x, i, j, out, p) = signature.args, arguments
        ends = [_load(builder, _point(context, builder, kinds[0], x, end)) for end in (j, i)]
        builder.store(builder.fsub(*ends), _point(context, builder, kinds[3], out, p)).align = 8
        return context.get_dummy_value()

    return types.void(x, types.uint64, types.uint64, out, types.uint64), generate


@intrinsic
def _subtract_states(typing_context, x, i, j, delta, relative, p):
    """delta[p], relative[p] = the two halves of x[j] - x[i], a row (x, y, v_x, v_y) to each particle: all four at once."""

    def generate(context, builder, signature, arguments):
        kinds, (x, i, j, delta, relative, p) = signature.args, arguments
        row = ir.VectorType(ir.DoubleType(), 4)
        rows = builder.bitcast(make_array(kinds[0])(context, builder, x).data, row.as_pointer())
        ends = [_load(builder, builder.gep(rows, [end])) for end in (j, i)]
        both = builder.fsub(*ends)
        for start, out, kind in ((0, delta, kinds[3]), (2, relative, kinds[4])):
            lanes = ir.Constant(ir.VectorType(ir.IntType(32), 2), [start, start + 1])
            half = builder.shuffle_vector(both, ir.Constant(row, ir.Undefined), lanes)
            builder.store(half, _point(context, builder, kind, out, p)).align = 8
        return context.get_dummy_value()

    return types.void(x, types.uint64, types.uint64, delta, relative, types.uint64), generate


@intrinsic
def _push_points(typing_context, f, i, j, w, delta, p):
    """f[i] += w delta[p], f[j] -= w delta[p], both coordinates at once."""

    def generate(context, builder, signature, arguments):
        kinds, (f, i, j, w, delta, p) = signature.args, arguments
        both = ir.Constant(_POINT, ir.Undefined)
        for lane in range(2):
            both = builder.insert_element(both, w, ir.Constant(ir.IntType(32), lane))
        push = builder.fmul(both, _load(builder, _point(context, builder, kinds[4], delta, p)))
        for index, act in ((i, builder.fadd), (j, builder.fsub)):
            address = _point(context, builder, kinds[0], f, index)
            builder.store(act(_load(builder, address), push), address).align = 8
        return context.get_dummy_value()

    return types.void(f, types.uint64, types.uint64, types.float64, delta, types.uint64), generate


@njit(cache=True, error_model="numpy")
def _subtract(pairs, values, start, out):
    """out (BLOCK, d) = values of the second less those of the first particle of the pairs from ``start`` on."""
    # no slices, which count references, and unsigned indices, which cannot count from the end: both cost time here
    begin = np.uint64(start)
    if values.shape[1] == 2:
        for p in range(np.uint64(BLOCK)):
            _subtract_points(values, pairs.first[begin + p], pairs.second[begin + p], out, p)
    else:
        for p in range(np.uint64(BLOCK)):
            i = pairs.first[begin + p]
            j = pairs.second[begin + p]
            for a in range(3):
                out[p, a] = values[j, a] - values[i, a]


@njit(cache=True, error_model="numpy")
def _fetch(pairs, positions, lattice, b, delta, r2):
    """Fill delta (BLOCK, d) and r2 of block b; return kind, first pair, number of pairs."""
    kind, start, count = pairs.blocks[b, 0], pairs.blocks[b, 2], pairs.blocks[b, 3]
    _subtract(pairs, positions, start, delta)
    _close(pairs, lattice, b, delta, r2)
    return kind, start, count


@njit(cache=True, error_model="numpy")
def _fetch_states(pairs, states, lattice, b, delta, relative, r2):
    """``_fetch`` of rows of states (n, 2 d), positions and velocities; ``relative`` (BLOCK, d) becomes that of velocities."""
    kind, start, count = pairs.blocks[b, 0], pairs.blocks[b, 2], pairs.blocks[b, 3]
    begin = np.uint64(start)
    if delta.shape[1] == 2:
        for p in range(np.uint64(BLOCK)):
            _subtract_states(states, pairs.first[begin + p], pairs.second[begin + p], delta, relative, p)
    else:
        for p in range(np.uint64(BLOCK)):
            i = pairs.first[begin + p]
            j = pairs.second[begin + p]
            for a in range(3):
                delta[p, a] = states[j, a] - states[i, a]
                relative[p, a] = states[j, 3 + a] - states[i, 3 + a]
    _close(pairs, lattice, b, delta, r2)
    return kind, start, count


@njit(cache=True, error_model="numpy")
def _close(pairs, lattice, b, delta, r2):
    """Add the lattice vectors of block b to delta, fill r2."""
    start, count, d = pairs.blocks[b, 2], pairs.blocks[b, 3], delta.shape[1]
    if pairs.blocks[b, 1]:
        width, tilt, height = lattice[0, 0], lattice[0, 1], lattice[1, 1]
        for p in range(count):
            delta[p, 0] += width * pairs.image[start + p, 0] + tilt * pairs.image[start + p, 1]
            delta[p, 1] += height * pairs.image[start + p, 1]
            if d == 3:
                delta[p, 2] += lattice[2, 2] * pairs.image[start + p, 2]
    if d == 2:
        for p in range(BLOCK):
            r2[p] = delta[p, 0] * delta[p, 0] + delta[p, 1] * delta[p, 1]
    else:
        for p in range(BLOCK):
            r2[p] = delta[p, 0] * delta[p, 0] + delta[p, 1] * delta[p, 1] + delta[p, 2] * delta[p, 2]
    for p in range(count, BLOCK):
        r2[p] = _FAR


@njit(cache=True, error_model="numpy")
def _push(pairs, delta, w, start, count, forces):
    """Add w delta to the first particle of each pair, subtract it from the second."""
    begin = np.uint64(start)
    if forces.shape[1] == 2:
        for p in range(np.uint64(count)):
            _push_points(forces, pairs.first[begin + p], pairs.second[begin + p], w[p], delta, p)
    else:
        for p in range(np.uint64(count)):
            i = pairs.first[begin + p]
            j = pairs.second[begin + p]
            for a in range(3):
                x = w[p] * delta[p, a]
                forces[i, a] += x
                forces[j, a] -= x


def _sigmas(potential, table, pairs, kind, start):
    """Return sigma of a block's pairs: one number, or an array (BLOCK,) where each has its own."""
    return pairs.sigma[start : start + BLOCK] if uses_diameters(potential) else table.sigma[kind]


@overload(_sigmas)
def _compile_sigmas(potential, table, pairs, kind, start):
    if hasattr(potential.instance_class, "mix"):
        return lambda potential, table, pairs, kind, start: pairs.sigma[start : start + BLOCK]
    return lambda potential, table, pairs, kind, start: table.sigma[kind]


def _lane(sigmas, p):
    """Return the sigma of lane p."""
    return sigmas[p] if isinstance(sigmas, np.ndarray) else sigmas


@overload(_lane, jit_options={"forceinline": True})
def _compile_lane(sigmas, p):
    if isinstance(sigmas, types.Array):
        return lambda sigmas, p: sigmas[p]
    return lambda sigmas, p: sigmas


@njit(cache=True, error_model="numpy")
def _rates(potential, epsilon, sigmas, r2, u, w):
    """Energy u and u'/r of a block of pairs; zero beyond reach."""
    for p in range(BLOCK):
        r = np.sqrt(r2[p])
        sigma = _lane(sigmas, p)
        reach = pair_reach(potential, sigma)
        terms = pair_terms(potential, r, epsilon, sigma)
        u[p] = where(r2[p] < reach * reach, terms[0], 0.0)
        w[p] = where(r2[p] < reach * reach, terms[1] * (1.0 / r), 0.0)


@njit(cache=True, error_model="numpy")
def _slopes(potential, epsilon, sigmas, r2, w):
    """u'/r alone, bit for bit that of ``_rates``."""
    for p in range(BLOCK):
        r = np.sqrt(r2[p])
        sigma = _lane(sigmas, p)
        reach = pair_reach(potential, sigma)
        w[p] = where(r2[p] < reach * reach, pair_terms(potential, r, epsilon, sigma)[1] * (1.0 / r), 0.0)


@njit(cache=True, error_model="numpy")
def _curvatures(potential, epsilon, sigmas, r2, w, k):
    """u'/r and (u'' - u'/r) / r^2 of a block of pairs; zero beyond reach."""
    for p in range(BLOCK):
        r = np.sqrt(r2[p])
        sigma = _lane(sigmas, p)
        reach = pair_reach(potential, sigma)
        terms = pair_terms(potential, r, epsilon, sigma)
        inverse = 1.0 / r
        rate = terms[1] * inverse
        bend = (terms[2] - rate) * (inverse * inverse)
        w[p] = where(r2[p] < reach * reach, rate, 0.0)
        k[p] = where(r2[p] < reach * reach, bend, 0.0)


@njit(cache=True, error_model="numpy")
def _accumulate(delta, u, w, sums):
    """Add u and w d_a d_b (a <= b) to the rows of sums, one column a lane: a single running sum would not vectorise."""
    if delta.shape[1] == 2:
        for p in range(BLOCK):
            x = delta[p, 0]
            y = delta[p, 1]
            wx = w[p] * x
            sums[0, p] += u[p]
            sums[1, p] += wx * x
            sums[2, p] += wx * y
            sums[3, p] += w[p] * y * y
    else:
        for p in range(BLOCK):
            x = delta[p, 0]
            y = delta[p, 1]
            z = delta[p, 2]
            wx = w[p] * x
            wy = w[p] * y
            sums[0, p] += u[p]
            sums[1, p] += wx * x
            sums[2, p] += wx * y
            sums[3, p] += wx * z
            sums[4, p] += wy * y
            sums[5, p] += wy * z
            sums[6, p] += w[p] * z * z


@njit(cache=True, error_model="numpy")
def _accumulate_shear(delta, w, sums):
    """Add w d_x d_y to its row of sums, bit for bit as ``_accumulate`` does."""
    for p in range(BLOCK):
        sums[2, p] += w[p] * delta[p, 0] * delta[p, 1]


@njit(cache=True, error_model="numpy")
def _add_sums(sums, virial):
    """Add the rows of sums to the symmetric virial (d, d); return the energy."""
    d = len(virial)
    row = 1
    for a in range(d):
        for b in range(a, d):
            total = sums[row].sum()
            virial[a, b] += total
            if a != b:
                virial[b, a] += total
            row += 1
    return sums[0].sum()
