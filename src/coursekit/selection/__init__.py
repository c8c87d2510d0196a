"""Choose a model by data it was not fitted to: hold-out, folds, three-way split."""

from .choose import Selection, holdout, kfold
from .splits import Fold, holdout_indices, kfold_indices
from .three_way import ThreeWaySplit, three_way_split

__all__ = [
    "Fold",
    "Selection",
    "ThreeWaySplit",
    "holdout",
    "holdout_indices",
    "kfold",
    "kfold_indices",
    "three_way_split",
]
