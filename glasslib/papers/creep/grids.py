"""What lattice and particles of the creep paper have in common: grids on which curves are kept, and what steady flow is."""

import numpy as np

WINDOWS, BLOCKS = 4, 4  # of a stretch under one load, for the test of steadiness: blocks longer than the stress remembers
SEGMENT = 0.1  # of strain, between two checkpoints of a flow curve, at whose ends configurations are kept
QUIET_TIME = 200.0  # for which particles under a stress must be at rest to count as stuck, at the end of their record
MEAN_TIME = 1.0  # over which the records of a run under a stress are averaged


def start_up_strains(strain):
    """Return the strains at which stresses of start-up are kept."""
    return np.linspace(0, strain, 501)


def creep_times(duration):
    """Return the edges of the intervals, equal in log time, over which creep rates are averaged."""
    return np.geomspace(1.0, duration, 41)


def early_times():
    """Return the times at which the first answer to an imposed stress is kept: every 0.1 up to 50."""
    return np.linspace(0.1, 50.0, 500)


def segments(strain):
    """Return into how many segments a flow by ``strain`` at one rate is cut."""
    return max(1, round(strain / SEGMENT))


def kept_strains(strain, kept):
    """Return the strains at one rate, of ``strain`` in all, at which the last ``kept`` configurations are kept."""
    count = segments(strain)
    return [strain * (k + 1) / count for k in range(max(0, count - kept), count)]


def means(values, rows):
    """Return the means (ceil(k / rows),) of records (k,) over so many rows each; the last may have fewer."""
    begins = np.arange(0, len(values), rows)
    return np.add.reduceat(values, begins) / np.diff(np.append(begins, len(values)))


def median_rates(rates, stuck):
    """Return the medians (T,) of strain rates (n, T) of runs that do not get stuck, or of all where all do; 0 where none moves.

    ``stuck`` (n,): when each got stuck, infinite if it did not. Of each time those count that move.
    """
    goes_on = np.isinf(stuck)
    columns = [column[column > 0] for column in (rates[goes_on] if goes_on.any() else rates).T]
    return np.array([np.median(one) if len(one) else 0.0 for one in columns])


def quarter_rates(time, strain):
    """Return the mean strain rates (2,) over the third and over the last quarter of a record."""
    marks = np.interp(np.array([0.5, 0.75, 1.0]) * time[-1], time, strain)
    return np.diff(marks) / (0.25 * time[-1])


def binned(time, values, edges):
    """Return the means (len(edges) - 1,) between ``edges`` of values that are averages over intervals ending at ``time``."""
    total = np.concatenate([[0.0], np.cumsum(values * np.diff(time, prepend=0.0))])
    at_edges = np.interp(edges, np.concatenate([[0.0], time]), total)
    return np.diff(at_edges) / np.diff(edges)


def steady_rate(time, rate):
    """Return (mean, standard error) of the steady strain rate (k,) in the later half of a record; NaN where there is none.

    Its last windows must have one mean and no trend (``analysis.steady``).
    """
    from glasslib.analysis.steady import steady_state  # here: scipy is slow to import

    late = time > 0.5 * time[-1]
    time, rate = time[late], rate[late]
    if len(time) <= 4 * WINDOWS * BLOCKS:
        return np.nan, np.nan
    steady = steady_state(time, rate, (time[-1] - time[0]) / WINDOWS, BLOCKS)
    return (np.nan, np.nan) if steady is None else (steady.mean, steady.error)
