"""Kernels of the time-dependent lattice: one explicit step, repeated. ``rates`` states the model and the scheme.

Per step at time t, with w_i = n_i sigma_i:

1. scan: apply the stress increment that the former step left pending, form w, count down the clocks of the sites that
   are exposed (plastic ones, and elastic ones above their threshold), and list those whose clock runs out;
2. convolve w with the propagator: over few plastic sites by adding shifted rows of the kernel, over many by Fourier
   transform. Which one depends on the number of plastic sites alone, so a run does not depend on how it was cut;
3. switch the listed sites and draw their next clock and, on recovery, their next threshold.

Clocks count whole steps: an Exp(1) budget times the transition's time over the time step, rounded up, in doubles, which
count exactly. Plastic strain is kept as the sum of w; from it the stress field is rebuilt every ``REBUILD`` steps, so
rounding never accumulates.
"""

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from .fourier import _convolve
from .randoms import CLOCK, random_uniform
from .thresholds import draw_threshold
from glasslib.vectors import ARRAY, LANES, VECTOR, Memory, integer, spread

REBUILD = 4096  # steps between two rebuilds of the stress from the plastic strain
FEW = 12  # plastic sites up to which shifted kernel rows are cheaper than a Fourier transform


def _make_scan(dense):
    """Return the intrinsic that scans eight sites from ``i``; its result has a bit set for each clock that ran out.

    ``dense``: the pending increment includes ``work``, which then receives w, and ``slip`` grows by w.
    """

    @intrinsic
    def scan(typingctx, stress, threshold, clock, active, slip, work, i, drive):
        def codegen(context, builder, signature, arguments):
            i, drive = arguments[6:]
            stress, threshold, clock, active, slip, work = (
                Memory(context, builder, kind, array) for kind, array in zip(signature.args[:6], arguments[:6])
            )
            zero, one = (ir.Constant(VECTOR, [value] * LANES) for value in (0.0, 1.0))
            increment = spread(builder, drive)
            if dense:
                increment = builder.fadd(increment, work.load(i))
            sigma = builder.fadd(stress.load(i), increment)
            stress.store(sigma, i)
            n = active.load(i)
            if dense:
                w = builder.fmul(n, sigma)
                work.store(w, i)
                slip.store(builder.fadd(slip.load(i), w), i)
            above = builder.fcmp_ordered(">", sigma, threshold.load(i))
            exposed = builder.or_(above, builder.fcmp_ordered(">", n, zero))
            left = builder.fsub(clock.load(i), builder.select(exposed, one, zero))
            clock.store(left, i)
            fired = builder.fcmp_ordered("<=", left, zero)
            bits = builder.bitcast(fired, ir.IntType(LANES))
            return builder.zext(bits, ir.IntType(64))

        return types.int64(*[ARRAY] * 6, types.int64, types.float64), codegen

    return scan


_scan_dense, _scan_sparse = _make_scan(True), _make_scan(False)


@intrinsic
def _add_scaled(typingctx, target, i, source, j, factor):
    """Add factor * source[j:j + 8] to target[i:i + 8]."""

    def codegen(context, builder, signature, arguments):
        target = Memory(context, builder, signature.args[0], arguments[0])
        source = Memory(context, builder, signature.args[2], arguments[2])
        product = builder.fmul(spread(builder, arguments[4]), source.load(arguments[3]), ("contract",))
        target.store(builder.fadd(target.load(arguments[1]), product, ("contract",)), arguments[1])
        return context.get_dummy_value()

    return types.void(ARRAY, types.int64, ARRAY, types.int64, types.float64), codegen


@njit(cache=True, error_model="numpy", nogil=True)
def _add_kernel_rows(target, table, rows, columns, site, factor):
    """target += factor * K(r - r_site); ``table`` holds each row of K twice, so that a shifted row is contiguous."""
    y0, x0 = site // columns, site % columns
    whole = columns - columns % 8
    for y in range(rows):
        source = ((y - y0) % rows) * 2 * columns + columns - x0
        start = y * columns
        for x in range(0, whole, 8):
            _add_scaled(target, start + x, table, source + x, factor)
        for x in range(whole, columns):
            target[start + x] += factor * table[source + x]


@njit(cache=True, error_model="numpy", nogil=True)
def _scan(stress, threshold, clock, active, slip, work, drive, dense, fired):
    """Step 1 over all sites; lists in ``fired`` the sites whose clock ran out and returns their number."""
    count = 0
    whole = stress.size - stress.size % 8
    for i in range(0, whole, 8):
        if dense:
            bits = _scan_dense(stress, threshold, clock, active, slip, work, i, drive)
        else:
            bits = _scan_sparse(stress, threshold, clock, active, slip, work, i, drive)
        if bits:
            for lane in range(8):
                if (bits >> lane) & 1:
                    fired[count] = i + lane
                    count += 1
    for i in range(whole, stress.size):
        increment = drive + work[i] if dense else drive
        stress[i] += increment
        if dense:
            work[i] = active[i] * stress[i]
            slip[i] += work[i]
        if stress[i] > threshold[i] or active[i] > 0.0:
            clock[i] -= 1.0
            if clock[i] <= 0.0:
                fired[count] = i
                count += 1
    return count


@njit(cache=True, error_model="numpy", nogil=True)
def _clock(key, site, renewal, steps):
    """Return the whole number of exposed steps, at least one, before the ``renewal``-th transition of a site."""
    return max(np.ceil(-np.log(random_uniform(key, site, renewal, CLOCK)) * steps), 1.0)


@njit(cache=True, error_model="numpy", nogil=True)
def _switch(fired, count, threshold, clock, active, renewal, key, law, delay, recovery):
    """Step 3; returns by how much the number of plastic sites grew."""
    growth = 0
    for k in range(count):
        i = fired[k]
        renewal[i] += 1
        if active[i] > 0.0:
            active[i] = 0.0
            threshold[i] = draw_threshold(law, key, i, renewal[i])
            clock[i] = _clock(key, i, renewal[i], delay)
            growth -= 1
        else:
            active[i] = 1.0
            clock[i] = _clock(key, i, renewal[i], recovery)
            growth += 1
    return growth


@njit(cache=True, error_model="numpy", nogil=True)
def _rebuild(stress, base, slip, total, fourier, plan, table, rows, columns, buffer, work):
    """stress = total + base + propagator * slip, where ``base`` and the propagator have no mean."""
    if fourier:
        work[:] = slip
        _convolve(plan, rows, columns, work, buffer)
    else:
        work[:] = 0.0
        for i in range(slip.size):
            if slip[i] != 0.0:
                _add_kernel_rows(work, table, rows, columns, i, slip[i])
    for i in range(stress.size):
        stress[i] = total + base[i] + work[i]
        work[i] = 0.0


@njit(cache=True, error_model="numpy", nogil=True)
def _any_above(stress, threshold):
    for i in range(stress.size):
        if stress[i] > threshold[i]:
            return True
    return False


@njit(cache=True, error_model="numpy", nogil=True)
def _list_plastic(active, sites):
    count = 0
    for i in range(active.size):
        if active[i] > 0.0:
            sites[count] = i
            count += 1


@njit(cache=True, error_model="numpy", nogil=True)
def _note(row, totals, stress_sum, flow_sum, plastic_sum, every):
    row[0], row[1] = totals[0], totals[1]
    row[2], row[3], row[4] = stress_sum / every, flow_sum / every, plastic_sum / every


@njit(cache=True, error_model="numpy", nogil=True)
def _start(clock, key, delay):
    """Draw the first clocks of one system."""
    for i in range(clock.size):
        clock[i] = _clock(key, i, 0, delay)


@njit(cache=True, error_model="numpy", nogil=True)
def _advance(
    shape, stress, threshold, clock, active, slip, renewal, base, totals, key, law,
    fourier, plan, table, delay, recovery, share, load, held, first, steps, every, series,
):
    """Advance one system by ``steps``; returns the number of the step at which it got stuck, or -1.

    ``share`` = dt / tau; ``load`` = mu * rate * dt; ``held``: the mean stress stays as it is. ``totals`` = (mean
    stress, mean of w summed since the start). ``series[k]`` gets, at each ``every``-th step, both totals, and over the
    interval the mean of the mean stress, of w and of the fraction of plastic sites.
    """
    rows, columns = shape
    sites_number = stress.size
    work, buffer = np.zeros(sites_number), np.zeros(16 * columns)
    fired, sites = np.empty(sites_number, np.int64), np.empty(sites_number, np.int64)
    plastic = np.int64(np.sum(active))
    limit = FEW if fourier else sites_number
    listed, was_dense = False, False
    drive, stress_sum, flow_sum, plastic_sum = 0.0, 0.0, 0.0, 0
    stuck = -1
    for step in range(first, first + steps):
        dense = plastic > limit
        if dense and not was_dense:
            work[:] = 0.0
        elif was_dense and not dense:
            for i in range(sites_number):
                stress[i] += drive + work[i]
            drive, was_dense = 0.0, False
        count = _scan(stress, threshold, clock, active, slip, work, drive, dense, fired)
        flow = 0.0
        if dense:
            flow = _convolve(plan, rows, columns, work, buffer)
        elif plastic > 0:
            if not listed:
                _list_plastic(active, sites)
                listed = True
            for k in range(plastic):
                work[k] = stress[sites[k]]
                flow += work[k]
            for k in range(plastic):
                slip[sites[k]] += work[k]
                _add_kernel_rows(stress, table, rows, columns, sites[k], work[k])
        elif held and count == 0 and not _any_above(stress, threshold):
            stuck = step
            for k in range((step - first) // every, steps // every):
                rest = min((k + 1) * every - (step - first), every)
                _note(series[k], totals, stress_sum + rest * totals[0], flow_sum, plastic_sum / sites_number, every)
                stress_sum, flow_sum, plastic_sum = 0.0, 0.0, 0
            break
        was_dense = dense
        flow /= sites_number
        stress_sum += totals[0]
        flow_sum += flow
        plastic_sum += plastic
        if count > 0:
            plastic += _switch(fired, count, threshold, clock, active, renewal, key, law, delay, recovery)
            listed = False
        drive = 0.0 if held else load - share * flow
        totals[0] += drive
        totals[1] += flow
        done = step + 1 - first
        if (step + 1) % REBUILD == 0:
            _rebuild(stress, base, slip, totals[0], fourier, plan, table, rows, columns, buffer, work)
            drive = 0.0
        if done % every == 0:
            _note(series[done // every - 1], totals, stress_sum, flow_sum, plastic_sum / sites_number, every)
            stress_sum, flow_sum, plastic_sum = 0.0, 0.0, 0
    if was_dense:
        for i in range(sites_number):
            stress[i] += drive + work[i]
    else:
        for i in range(sites_number):
            stress[i] += drive
    return stuck
