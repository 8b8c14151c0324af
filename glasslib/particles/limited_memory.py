"""L-BFGS: descent with an inverse Hessian that the last steps correct.

The last steps s_k = x_(k+1) - x_k and changes of force y_k = f_k - f_(k+1) correct an inverse Hessian H_0 (Nocedal, Math.
Comp. 35, 773, 1980), and the product of what comes out with the force is the next step. Only pairs with s . y > 0 are kept,
so it is positive if H_0 is, and every step goes downhill. They are kept from one minimisation to the next: in quasistatic
shear the Hessian hardly changes from step to step.
"""

import numpy as np
from numba import njit

from glasslib import checks


class Memory:
    """The last ``size`` steps and changes of force of a ``System``; kept between minimisations."""

    def __init__(self, size=30):
        self.size = checks.integer("size", size, 1)
        self.steps = self.changes = None
        self.forget()

    def forget(self):
        """Forget all pairs."""
        self.count = self.next = 0

    def learn(self, step, change):
        """Take a step (n, d) and the force (n, d) that it took away, if the energy is convex along it."""
        if self.steps is None or self.steps.shape[1] != step.size:
            # half the precision: to read them takes most of the time, and H is a guess in any case
            self.steps, self.changes = (np.empty((self.size, step.size), np.float32) for _ in range(2))
            self.product = np.empty(self.size)
            self.forget()
        kept = [np.ravel(values).astype(np.float32) for values in (step, change)]
        s, y = (values.astype(float) for values in kept)  # what is kept decides whether H is positive
        product = float(s @ y)
        if product <= 1e-10 * float(np.sqrt((s @ s) * (y @ y))):
            return
        self.steps[self.next], self.changes[self.next], self.product[self.next] = *kept, product
        self.next = (self.next + 1) % self.size
        self.count = min(self.count + 1, self.size)

    def direction(self, force, begin, out):
        """Set out (n, d) to H f; ``begin(v, out)`` sets out = H_0 v, all (n, d)."""
        if self.count == 0:
            begin(force, out)
            return
        left, order = force.copy(), (self.next - 1 - np.arange(self.count)) % self.size
        weight = _backward(self.steps, self.changes, self.product, order, left.reshape(-1))
        begin(left, out)
        _forward(self.steps, self.changes, self.product, order, weight, out.reshape(-1))


@njit(cache=True, error_model="numpy", fastmath={"reassoc", "contract"})
def _dot(a, b):
    """Sum of products; reordered, but always in the same way."""
    total = 0.0
    for k in range(len(a)):
        total += a[k] * b[k]
    return total


@njit(cache=True, error_model="numpy")
def _add(weight, a, out):
    for k in range(len(a)):
        out[k] += weight * a[k]


@njit(cache=True, error_model="numpy")
def _backward(steps, changes, product, order, out):
    """Take from the force in ``out`` what each pair answers for, the newest first; return the weights (pairs,)."""
    weight = np.empty(len(order))
    for k in range(len(order)):
        row = order[k]
        weight[k] = _dot(steps[row], out) / product[row]
        _add(-weight[k], changes[row], out)
    return weight


@njit(cache=True, error_model="numpy")
def _forward(steps, changes, product, order, weight, out):
    """Add to H_0 of what was left the answers of all pairs, the oldest first."""
    for k in range(len(order) - 1, -1, -1):
        row = order[k]
        _add(weight[k] - _dot(changes[row], out) / product[row], steps[row], out)
