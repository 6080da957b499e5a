"""Measurements of a minimum, each a function of a model or an objective; none of them knows a paper."""

from __future__ import annotations

from repro.measure.adaptive import adaptive_sharpness
from repro.measure.affine import Affine, fit_affine
from repro.measure.batchnorm import Statistics, population_statistics, recompute_statistics
from repro.measure.borrow import borrowed
from repro.measure.cost import bytes_moved, cheapest_batch, need, saturation
from repro.measure.curvature.density import Density, density
from repro.measure.curvature.eigenpairs import Eigenpairs, eigenpairs
from repro.measure.curvature.exact_trace import exact_trace
from repro.measure.curvature.leading import LeadingTerms, leading_terms, overlaps
from repro.measure.curvature.operator import CurvatureOperator
from repro.measure.curvature.spectrum import Spectrum, spectrum
from repro.measure.curvature.trace import Trace, hutchinson_trace
from repro.measure.diffusion import Growth, logarithmic, power
from repro.measure.directions import (
    Surface,
    filter_normalised,
    random_direction,
    random_line,
    random_surface,
    ray,
    survey,
)
from repro.measure.flat import flatten, load_vector_, to_vector, unflatten
from repro.measure.landscape import Evaluator, Landscape
from repro.measure.losses import cross_entropy
from repro.measure.manifold import Manifold, random_manifold
from repro.measure.measurement import Measurement, Status
from repro.measure.noise import GradientNoise, SquaredNorms, gradient_noise, squared_norms
from repro.measure.objective import Evaluation, NetworkObjective, Objective
from repro.measure.paths import (
    NetworkPath,
    PathProfile,
    barrier,
    curvilinear,
    grid,
    linear,
    path,
    rise,
    trace,
)
from repro.measure.quadratic import Quadratic
from repro.measure.random_potential import RandomPotential, random_potential
from repro.measure.representation import linear_probe, nearest_neighbours
from repro.measure.restriction import Restriction
from repro.measure.sharpness import SearchCheck, Sharpness, check_search, sharpness
from repro.measure.timing import Timing, time_batches
from repro.nets.distance import distance_by_module, log_grid, parameter_distance

__all__ = [
    "Affine",
    "CurvatureOperator",
    "Density",
    "Eigenpairs",
    "Evaluation",
    "Evaluator",
    "GradientNoise",
    "Growth",
    "Landscape",
    "LeadingTerms",
    "Manifold",
    "Measurement",
    "NetworkObjective",
    "NetworkPath",
    "Objective",
    "PathProfile",
    "Quadratic",
    "RandomPotential",
    "Restriction",
    "SearchCheck",
    "Sharpness",
    "Spectrum",
    "SquaredNorms",
    "Statistics",
    "Status",
    "Surface",
    "Timing",
    "Trace",
    "adaptive_sharpness",
    "barrier",
    "borrowed",
    "bytes_moved",
    "cheapest_batch",
    "check_search",
    "cross_entropy",
    "curvilinear",
    "density",
    "distance_by_module",
    "eigenpairs",
    "exact_trace",
    "filter_normalised",
    "fit_affine",
    "flatten",
    "gradient_noise",
    "grid",
    "hutchinson_trace",
    "leading_terms",
    "linear",
    "linear_probe",
    "load_vector_",
    "log_grid",
    "logarithmic",
    "nearest_neighbours",
    "need",
    "overlaps",
    "parameter_distance",
    "path",
    "population_statistics",
    "power",
    "random_direction",
    "random_line",
    "random_manifold",
    "random_potential",
    "random_surface",
    "ray",
    "recompute_statistics",
    "rise",
    "saturation",
    "sharpness",
    "spectrum",
    "squared_norms",
    "survey",
    "time_batches",
    "to_vector",
    "trace",
    "unflatten",
]
