"""State what the book claims as values: numbers, interval, rule and verdict."""

from .build import (
    claim_directional,
    claim_equivalent,
    claim_exact,
    claim_reported,
)
from .claim import MIME, Claim, mimebundle
from .glue import full, glue_number, n_seeds
from .render import table

__all__ = [
    "MIME",
    "Claim",
    "claim_directional",
    "claim_equivalent",
    "claim_exact",
    "claim_reported",
    "full",
    "glue_number",
    "mimebundle",
    "n_seeds",
    "table",
]
