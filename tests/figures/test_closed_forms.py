"""Every closed form gives in JavaScript what its twin gives in Python, to 1e-9."""

import numpy as np
import pytest

from coursekit.figures import Dim
from coursekit.figures.closed_form import MODELS

RUN = """
const model = await import(`./models/${data.name}.js`);
const plain = (v) => (Array.isArray(v) ? v.map(plain) : Number.isNaN(v) ? "nan" : v);
const outputs = (inputs) => Object.entries(model[data.name](inputs));
console.log(JSON.stringify(data.states.map((inputs, k) => [
    Object.fromEntries(outputs(inputs).map(([n, v]) => [n, plain(v)])),
    model[`${data.name}Field`]?.(...data.points[k], inputs) ?? null,
])));
"""


def random_states(model, count=50):
    rng = np.random.default_rng(0)
    named = {d.name: d for d in model.dims}

    def draw(dim):
        if isinstance(dim, Dim):
            return dim.values[rng.integers(len(dim))]
        if dim.log:
            return float(np.exp(rng.uniform(np.log(dim.low), np.log(dim.high))))
        return float(rng.uniform(dim.low, dim.high))

    return [{n: draw(named[n]) for n in model.inputs} for _ in range(count)]


@pytest.fixture(scope="session")
def models(figures):
    found = [f.space.model for f in figures.values() if f.space.model]
    return {model.name: model for model in found}


def test_every_model_has_a_twin_in_these_tests(models):
    assert sorted(models) == sorted(path.stem for path in MODELS.glob("*.js"))


@pytest.mark.parametrize("name", sorted(path.stem for path in MODELS.glob("*.js")))
def test_page_and_twin_agree_on_random_states(node, models, name):
    model, states = models[name], random_states(models[name])
    points = np.random.default_rng(1).uniform(-2, 2, (len(states), 2)).tolist()
    found = node(RUN, {"name": name, "states": states, "points": points})
    for inputs, point, (outputs, field) in zip(states, points, found, strict=True):
        twin = model.evaluate(**inputs)
        assert set(outputs) == set(model.outputs)
        for key, value in twin.items():
            there = np.array(outputs[key], dtype=float)
            np.testing.assert_allclose(there, value, rtol=1e-9, atol=1e-9, err_msg=key)
        if model.field:
            assert field == pytest.approx(
                float(model.field(*point, **inputs)), rel=1e-9
            )


def test_a_wrong_momentum_would_be_noticed(node, models, monkeypatch):
    model, states = models["descent"], random_states(models["descent"], 8)
    wrong = [{**s, "mu": s["mu"] * 1.0001} for s in states]
    found = node(RUN, {"name": "descent", "states": wrong, "points": [[0, 0]] * 8})
    moved = [
        s["method"] != "GD"
        and not np.allclose(
            o["loss"], model.evaluate(**s)["loss"], rtol=1e-9, atol=1e-9
        )
        for s, (o, _) in zip(states, found, strict=True)
    ]
    assert any(moved)


@pytest.mark.parametrize("path", sorted(MODELS.glob("*.js")), ids=lambda p: p.stem)
def test_a_closed_form_is_short(path):
    blocks = path.read_text().split("\n}\n")
    for block in blocks:
        code = [s for line in block.splitlines() if (s := line.strip())]
        code = [s for s in code if not s.startswith(("//", "/*", "*"))]
        assert len(code) <= 20, code[0]
