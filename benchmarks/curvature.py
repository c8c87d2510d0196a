"""Time second derivatives: products, chunks, top eigenvalues, critical points."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import torch
from torch.func import grad, jvp
from torch.nn.functional import mse_loss

from coursekit import curvature
from coursekit.models import MLP

Call = Callable[[], object]


def net(dtype: torch.dtype) -> tuple[curvature.HessianOperator, Callable, torch.Tensor]:
    """Make a net of 4,810 parameters with 128 examples of ten classes."""
    draw = torch.Generator().manual_seed(0)
    torch.manual_seed(0)
    model = MLP([64, 64, 10], "tanh").to(dtype)
    x = torch.randn(128, 64, generator=draw).to(dtype)
    y = torch.randint(10, (128,), generator=draw)
    f, theta = curvature.flat_loss(model, x, y)
    return curvature.HessianOperator(f, theta), f, theta


def medians(calls: dict[str, Call], repeats: int) -> dict[str, float]:
    """Alternate the calls, so that a busy moment hits all; milliseconds."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()
    for _ in range(repeats):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            times[name].append(1000 * (time.perf_counter() - start))
    return {name: statistics.median(values) for name, values in times.items()}


def report(title: str, calls: dict[str, Call], repeats: int) -> None:
    """Print milliseconds and how many times the first of them each takes."""
    found = medians(calls, repeats)
    first = next(iter(found.values()))
    print(f"\n{title}")
    for name, value in found.items():
        print(f"  {name:34} {value:10.2f} ms  {value / first:8.2f}")


def double_backward(f: Callable, theta: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    """Differentiate the gradient's product with v, the graph made anew."""
    at = theta.clone().requires_grad_()
    (g,) = torch.autograd.grad(f(at), at, create_graph=True)
    return torch.autograd.grad(g, at, v)[0]


def products(dtype: torch.dtype) -> None:
    """Compare one product Hv by several ways, and many at once."""
    H, f, theta = net(dtype)
    v = torch.randn_like(theta)
    many = torch.randn(128, len(theta), dtype=dtype)
    calls: dict[str, Call] = {
        "HessianOperator, graph kept": lambda: H(v),
        "hvp": lambda: curvature.hvp(f, theta, v),
        "double backward": lambda: double_backward(f, theta, v),
        "torch.autograd.functional.hvp": lambda: torch.autograd.functional.hvp(
            f, theta, v
        ),
        "forward over reverse": lambda: jvp(grad(f), (theta,), (v,)),
        "128 products at once, each": lambda: H(many),
    }
    found = medians(calls, 15)
    found["128 products at once, each"] /= 128
    print(f"\nOne product, p = {len(theta)}, {dtype}: ms, and times the first")
    for name, value in found.items():
        print(f"  {name:34} {value:10.3f} ms  {value / found[next(iter(found))]:8.2f}")


def spectra(dtype: torch.dtype) -> None:
    """Compare the top five eigenvalues with the whole Hessian, by chunk."""
    _, f, theta = net(dtype)
    calls: dict[str, Call] = {"top 5": lambda: curvature.top_eigenvalues(f, theta)}
    calls["lambda_max"] = lambda: curvature.lambda_max(f, theta)
    for chunk in (16, 64, 128, 512):
        calls[f"Hessian, chunk {chunk}"] = lambda c=chunk: curvature.hessian(
            f, theta, c
        )
    report(f"Spectrum, p = {len(theta)}, {dtype}", calls, 3)


def searches() -> None:
    """Compare a search from 60 starts at once with a loop over them."""
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(40, 2, generator=draw, dtype=torch.float64)
    y = torch.sin(2 * x[:, :1]) * x[:, 1:]
    f, theta = curvature.flat_loss(MLP([2, 2, 1], "tanh").double(), x, y, mse_loss)
    starts = torch.randn(60, len(theta), generator=draw, dtype=torch.float64)
    calls: dict[str, Call] = {
        "60 starts at once": lambda: curvature.find_critical_points(
            f, starts, max_iter=50
        ),
        "a loop over them": lambda: [
            curvature.find_critical_point(f, start, max_iter=50) for start in starts
        ],
    }
    report(f"Critical points of a net, p = {len(theta)}, 50 steps", calls, 1)


def main() -> None:
    """Run all; one thread, as the comparison is of methods."""
    torch.set_num_threads(1)
    for dtype in (torch.float32, torch.float64):
        products(dtype)
        spectra(dtype)
    searches()


if __name__ == "__main__":
    main()
