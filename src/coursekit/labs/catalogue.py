r"""Which lab holds which exercises."""

from coursekit.labs.registry import Lab, Written
from coursekit.labs.tasks.batch_norm import BATCH_NORM
from coursekit.labs.tasks.clip_norm import CLIP_NORM
from coursekit.labs.tasks.compare_depths import COMPARE_DEPTHS
from coursekit.labs.tasks.dead_fraction import DEAD_FRACTION
from coursekit.labs.tasks.diagnose import DIAGNOSE
from coursekit.labs.tasks.embed_shallow import EMBED_SHALLOW
from coursekit.labs.tasks.forward_backward_std import FORWARD_BACKWARD_STD
from coursekit.labs.tasks.glorot_std import GLOROT_STD
from coursekit.labs.tasks.grad_variance import GRAD_VARIANCE
from coursekit.labs.tasks.he_std import HE_STD
from coursekit.labs.tasks.lambda_max import LAMBDA_MAX
from coursekit.labs.tasks.lars_step import LARS_STEP
from coursekit.labs.tasks.layer_norm import LAYER_NORM
from coursekit.labs.tasks.lnrnn_step import LNRNN_STEP
from coursekit.labs.tasks.maxout import MAXOUT
from coursekit.labs.tasks.minibatches import MINIBATCHES
from coursekit.labs.tasks.mlp_backward import MLP_BACKWARD
from coursekit.labs.tasks.norm_axes import NORM_AXES
from coursekit.labs.tasks.rescale import RESCALE
from coursekit.labs.tasks.symmetry_rank import SYMMETRY_RANK
from coursekit.labs.tasks.whiten import WHITEN
from coursekit.labs.tasks.zero_last import ZERO_LAST

__all__ = ["LABS"]

LABS: tuple[Lab, ...] = (
    Lab(
        "01_bias",
        "Bias versus optimization",
        exercises=(EMBED_SHALLOW, DIAGNOSE, COMPARE_DEPTHS),
        written=(Written("explain_deeper", "What a deeper net shows", 6, minutes=12),),
    ),
    Lab(
        "04_batch_size",
        "Batch size",
        exercises=(MINIBATCHES, GRAD_VARIANCE, LAMBDA_MAX, RESCALE, LARS_STEP),
        written=(Written("explain_sharpness", "What sharpness shows", 6, minutes=12),),
    ),
    Lab(
        "10_vanishing_gradients",
        "Vanishing and exploding gradients",
        exercises=(MLP_BACKWARD, CLIP_NORM, DEAD_FRACTION, MAXOUT),
        written=(Written("explain_explosion", "What each cure can do", 6, minutes=12),),
    ),
    Lab(
        "11_initialization",
        "Initialization",
        exercises=(HE_STD, GLOROT_STD, FORWARD_BACKWARD_STD, SYMMETRY_RANK, ZERO_LAST),
        written=(Written("explain_flat_gradients", "Explain a flat curve", 5),),
    ),
    Lab(
        "12_normalization",
        "Normalization",
        exercises=(NORM_AXES, LAYER_NORM, BATCH_NORM, WHITEN, LNRNN_STEP),
        written=(Written("explain_serving", "The net that fails when it serves", 6),),
    ),
)
