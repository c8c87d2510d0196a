"""Name what is wrong with a training run from the numbers that it left.

==================  ========================================================
``diagnose``        from final losses: bias, optimization, overfitting
``diagnose_stall``  from a recorded run: why the loss no longer falls
``stall_evidence``  the numbers behind that
``baseline_suite``  what simpler models reach on the same data
==================  ========================================================
"""

from .baseline_suite import baseline_suite
from .baselines import Baseline, Baselines
from .evidence import StallEvidence, stall_evidence
from .stall import Stall, diagnose_stall
from .tree import Diagnosis, diagnose

__all__ = [
    "Baseline",
    "Baselines",
    "Diagnosis",
    "Stall",
    "StallEvidence",
    "baseline_suite",
    "diagnose",
    "diagnose_stall",
    "stall_evidence",
]
