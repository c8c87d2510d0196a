"""Devices and seeds."""

import random

import numpy as np
import pytest
import torch

from coursekit.device import default_device, generator, seed_everything


def test_the_default_is_the_fastest_device_present():
    expected = "cuda" if torch.cuda.is_available() else None
    if expected is None:
        expected = "mps" if torch.backends.mps.is_available() else "cpu"
    assert default_device().type == expected
    assert default_device("cpu") == torch.device("cpu")
    assert default_device(torch.device("cpu")).type == "cpu"


def test_the_choice_follows_what_is_present(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert default_device() == torch.device("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert default_device().type == "mps"
    with pytest.raises(ValueError, match=r"'cuda' is not present; present here: mps"):
        default_device("cuda")


def test_an_unknown_device_is_refused_with_the_ones_present():
    with pytest.raises(ValueError, match=r"got 'gpu'; present here: .*cpu"):
        default_device("gpu")


def test_generators_are_reproducible_and_apart_from_the_global_one():
    before = torch.get_rng_state()
    a, b = torch.rand(5, generator=generator(7)), torch.rand(5, generator=generator(7))
    assert torch.equal(a, b)
    assert not torch.equal(a, torch.rand(5, generator=generator(8)))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(("seed", "error"), [(-1, ValueError), (1.5, TypeError)])
def test_seeds_are_whole_numbers(seed, error):
    with pytest.raises(error, match="seed: expected an integer"):
        generator(seed)
    with pytest.raises(error, match="seed: expected an integer"):
        seed_everything(seed)


def test_seed_everything_seeds_all_three():
    def draw():
        numpy_draw = np.random.random()  # ruff: ignore[numpy-legacy-random]
        return random.random(), numpy_draw, torch.rand(1).item()

    seed_everything(3)
    first = draw()
    seed_everything(3)
    assert draw() == first
    assert len(set(first)) == 3
    with pytest.raises(ValueError, match=r"< 2\*\*32, got .* seed 5"):
        seed_everything(2**32 + 5)


def test_seeds_that_torch_would_confuse_are_refused():
    """If torch one day reads all 64 bits, the first assertion says so."""
    few, many = (
        torch.Generator().manual_seed(5),
        torch.Generator().manual_seed(2**40 + 5),
    )
    assert torch.equal(torch.rand(3, generator=few), torch.rand(3, generator=many))
    with pytest.raises(ValueError, match="would repeat the numbers of seed 5"):
        generator(2**40 + 5)
