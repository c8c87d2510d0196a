"""Choose a model by data it was not fitted to: hold-out, folds, three-way split."""
