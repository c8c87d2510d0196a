r"""Experiments: plain arrays out, no plotting, no verdicts.

One file per idea; every function takes its settings and seeds and returns numpy
arrays, so that a chapter, a stored figure and a test can all call the same code.

* `stacked` -- K perceptrons in one batched multiplication.
* `stacked_training` -- a stack trained, each net on its own order of examples.
* `signal_propagation` -- spread of :math:`a^l` and :math:`\delta^l` by layer.
* `width_scatter` -- how nets of one scheme differ when layers are narrow.
* `trainability` -- which gains train at which depth.
* `symmetry` -- equal units stay equal; a little noise grows.
* `optimizer_paths` -- every optimizer on the same surfaces, each at its best rate.
* `signal_cures` -- :math:`\delta^l` of deep nets under seven cures, then trained.
* `shattered_gradients` -- how alike the gradients of neighbouring inputs are.
* `dead_units` -- one oversized step, and the units that it silences.
* `chain` -- a product of equal factors.
* `cliff` -- one step at the cliff of a scalar recurrence.
* `exploding_rnn` -- a recurrent net, clipped and not.
* `depth` -- nets of growing depth, compared on their own training data.
* `identity_start` -- a deep net begun as the shallow one that it contains.
* `stalls` -- four runs that stall at one loss, for four different reasons.
* `stalled_net` -- a deep net that has stalled, and what helps it.
* `restarts` -- many searches of one class: is its best far from what they find?
* `medicines` -- four sick runs under seven medicines.
* `residual_growth` -- variance along a residual stream, and whether it then trains.
* `batch_budget` -- batch sizes and rates at equal epochs and at equal updates.
* `one_epoch` -- two weights, one pass over twenty examples: one update or twenty.
* `gradient_spread` -- how far the gradient of a batch misses the full one.
* `one_step` -- what one step gains, by rate and batch size; the noise scale.
* `shuffling` -- sorted by class, shuffled once, shuffled every epoch.
* `wells` -- a narrow and a wide well: a shift, and when noise leaves.
* `flatness` -- curvature at equal training loss, and a rescaling that changes it.
* `lars_range` -- which rates work when every update reads all examples.
* `input_scaling` -- condition number and updates of least squares by treatment.
* `norm_bowl` -- the same for two inputs and a bias, in closed form.
* `norm_groups` -- which numbers share a mean, and who notices an exchange.
* `norm_grid` -- nets by norm, batch size and rate, judged by both statistics.
* `running_averages` -- what evaluation uses against what it estimates.
* `scale_free` -- the length of weights behind a batch norm.
* `norm_rnn` -- layer norm in a recurrent net, sequences of unequal length.
* `paired_depths` -- one small net of a depth, with two separate seeds.
* `frozen_loss` -- a loss that is a function of a model alone.
* `batch_timing` -- seconds of an update against the batch size.
* `race_depth`, `race_budget`, `race_activation`, `race_scale`, `race_norm` -- a net, a
  plan, an activation, a start, a norm of one's own against those of the chapters.
* `open_tasks` -- the same, short, for the feedback on the labs' open tasks.
* `plain_sgd` -- SGD without the start of `torch.optim`.
"""
