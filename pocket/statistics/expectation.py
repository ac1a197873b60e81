"""The expectation of each process at one point of the parameters, with its derivatives.

It is ``λ = S·Πκ(θ)·(n + Σδ(θ))``, where S is a product of parameters, κ the factors and δ the changes of the template
at fixed yield of each nuisance, see :mod:`pocket.statistics.interpolation`. Where logarithms are interpolated, it is
``λ = S·Πκ(θ)·N·n·exp(Σδ(θ))/Σ n·exp(Σδ(θ))``, with the yield N and sums over bins. Arrays are of P processes, B bins, C
regions, K nuisances of shapes and L of yields. Derivatives are made when they are asked for.
"""

from __future__ import annotations

import numpy as np

from pocket.base.typing import Floats
from pocket.statistics.interpolation import morphing_weights, norm_weights
from pocket.statistics.tensors import Tensors

#: where logarithms of factors end, so that steps too long of a minimisation give numbers
LARGEST_LOG = 50.0


class Expectation:
    """Expectations at one point.

    Attributes:
        factor: S·Πκ, shape (P, C).
        templates: n + Σδ, cut off at 0, shape (P, B).
        yields: their product, shape (P, B).
    """

    def __init__(self, arrays: Tensors, values: Floats) -> None:
        self.arrays, self.values = arrays, np.array(values, dtype=float)
        self._norm = np.ones((len(arrays.nominal), len(arrays.starts)))
        if len(arrays.norm_positions):
            theta = self.values[arrays.norm_positions]
            logs = np.tensordot(theta, arrays.odd_norm, 1) + np.tensordot(norm_weights(theta)[0], arrays.even_norm, 1)
            self._norm = np.exp(np.clip(logs, -LARGEST_LOG, LARGEST_LOG))
        self.factor: Floats = self._norm.copy()
        self._products = []
        for product in arrays.factors:
            positions, value, gradient, second = product.evaluate(self.values)
            self.factor[product.rows, product.columns] *= value
            self._products.append((product.rows, product.columns, positions, gradient, second))
        templates = arrays.nominal
        self._logarithmic = arrays.logarithmic[:, arrays.column] if arrays.logarithmic.any() else None
        if len(arrays.shape_positions):
            theta = self.values[arrays.shape_positions]
            weights = np.concatenate([theta, morphing_weights(theta)[0]])
            changes = (weights @ arrays.morphing.reshape(len(weights), -1)).reshape(templates.shape)
            templates = self._changed(changes)
        self._inside = templates >= 0
        self.templates: Floats = np.where(self._inside, templates, 0)
        self.yields: Floats = self.factor[:, arrays.column] * self.templates

    def factors_by_bin(self) -> Floats:
        """Return S·Πκ in each bin, shape (P, B)."""
        return self.factor[:, self.arrays.column]

    def factor_derivatives(self) -> Floats:
        """Return the derivatives of S·Πκ, shape (parameters, P, C)."""
        found = np.zeros((len(self.values), *self.factor.shape))
        found[self.arrays.norm_positions] = self._log_derivatives() * self.factor
        for rows, columns, positions, gradient, _ in self._products:
            for position, slope in zip(positions, gradient, strict=True):
                found[position, rows, columns] += slope * self._norm[rows, columns]
        return found

    def template_derivatives(self) -> Floats:
        """Return the derivatives of the templates by the nuisances of shapes, shape (K, P, B)."""
        count = len(self.arrays.shape_positions)
        weights = morphing_weights(self.values[self.arrays.shape_positions])[1]
        found: Floats = self.arrays.morphing[count:] * weights[:, None, None]
        found += self.arrays.morphing[:count]
        if not self._inside.all():
            found *= self._inside
        if self._logarithmic is not None:
            changed = self.templates * (found - self._means(found))
            found = np.where(self._logarithmic, changed, found)
        return found

    def _changed(self, changes: Floats) -> Floats:
        """Return the templates with the sum of all changes, shape (P, B)."""
        nominal = self.arrays.nominal
        if self._logarithmic is None:
            return nominal + changes
        logs = np.clip(np.where(self._logarithmic, changes, 0), -LARGEST_LOG, LARGEST_LOG)
        scaled = nominal * np.exp(logs)
        total, wanted = (self.arrays.by_region(values)[:, self.arrays.column] for values in (scaled, nominal))
        scaled = scaled * np.divide(wanted, total, out=np.ones(total.shape), where=total > 0)
        return np.where(self._logarithmic, scaled, nominal + changes)

    def _means(self, values: Floats) -> Floats:
        """Return the means of values over each region, weighted by the templates, in each bin: shape (…, P, B)."""
        sums, totals = (self.arrays.by_region(part) for part in (values * self.templates, self.templates))
        means = np.divide(sums, totals, out=np.zeros(sums.shape), where=totals > 0)
        return np.asarray(means[..., self.arrays.column])

    def _on_logarithms(self, of_templates: Floats) -> Floats:
        """Return weights of the derivatives of changes, from those of the derivatives of templates, shape (P, B)."""
        found = of_templates * self._inside
        if self._logarithmic is None:
            return found
        return np.where(self._logarithmic, self.templates * (found - self._means(found)), found)

    def yield_derivatives(self) -> Floats:
        """Return the derivatives of the expectation of each process, shape (parameters, P, B)."""
        found = self.factor_derivatives()[:, :, self.arrays.column] * self.templates
        found[self.arrays.shape_positions] += self.template_derivatives() * self.factors_by_bin()
        return np.asarray(found)

    def sum_first_derivatives(self, of_factors: Floats, of_templates: Floats) -> Floats:
        """Return the sum of weights times the derivatives of factors S·Πκ (P, C) and templates (P, B), by parameter."""
        found, arrays = np.zeros(len(self.values)), self.arrays
        norms, shapes = arrays.norm_positions, arrays.shape_positions
        if len(norms):
            derivative, inner = norm_weights(self.values[norms])[1], of_factors * self.factor
            found[norms] += np.tensordot(arrays.odd_norm, inner, 2)
            found[norms] += derivative * np.tensordot(arrays.even_norm, inner, 2)
        for rows, columns, positions, gradient, _ in self._products:
            found[positions] += gradient * (of_factors * self._norm)[rows, columns].sum()
        if len(shapes):
            count = len(shapes)
            sums = arrays.morphing.reshape(2 * count, -1) @ self._on_logarithms(of_templates).ravel()
            found[shapes] += sums[:count] + morphing_weights(self.values[shapes])[1] * sums[count:]
        return found

    def sum_second_derivatives(self, of_factors: Floats, of_templates: Floats) -> Floats:
        """Return the same of second derivatives, shape (parameters, parameters)."""
        arrays, count = self.arrays, len(self.values)
        norms, shapes = arrays.norm_positions, arrays.shape_positions
        found, logs, inner = np.zeros((count, count)), self._log_derivatives(), of_factors * self.factor
        if len(norms):
            flat = logs.reshape(len(norms), inner.size)
            found[np.ix_(norms, norms)] += (flat * inner.ravel()) @ flat.T
            found[norms, norms] += norm_weights(self.values[norms])[2] * np.tensordot(arrays.even_norm, inner, 2)
        for rows, columns, positions, gradient, second in self._products:
            norm = (of_factors * self._norm)[rows, columns]
            found[np.ix_(positions, positions)] += norm.sum() * second
            mixed = np.outer(logs[:, rows, columns] @ norm, gradient)
            found[np.ix_(norms, positions)] += mixed
            found[np.ix_(positions, norms)] += mixed.T
        if len(shapes):
            even = arrays.morphing[len(shapes) :].reshape(len(shapes), -1)
            weights = self._on_logarithms(of_templates)
            found[shapes, shapes] += morphing_weights(self.values[shapes])[2] * (even @ weights.ravel())
            if self._logarithmic is not None:
                first = morphing_weights(self.values[shapes])[1]
                slopes = arrays.morphing[: len(shapes)] + first[:, None, None] * arrays.morphing[len(shapes) :]
                slopes = np.where(self._logarithmic, slopes - self._means(slopes), 0).reshape(len(shapes), -1)
                found[np.ix_(shapes, shapes)] += (slopes * weights.ravel()) @ slopes.T
        return found

    def over_processes(self, by_factor: Floats, values: Floats) -> Floats:
        """Return the sum over processes of derivatives (parameters, P, C) times values (P, B): (parameters, B)."""
        parts = [by_factor[:, :, column] @ values[:, bins] for column, bins in enumerate(self.arrays.slices())]
        return np.concatenate(parts, axis=1)

    def _log_derivatives(self) -> Floats:
        """Return the derivatives of ln κ, shape (L, P, C)."""
        first = norm_weights(self.values[self.arrays.norm_positions])[1]
        return np.asarray(self.arrays.odd_norm + first[:, None, None] * self.arrays.even_norm)
