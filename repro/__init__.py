"""The effect of batch size on learning: train, measure the minimum, judge each published claim."""

__version__ = "0.1.0"
