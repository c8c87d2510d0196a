"""Reference implementations, experiments, figures and labs of the book."""

__version__ = "0.1.0"
