"""The students' notebook, run as a student runs it: here, and where Colab would.

Three students: one has answered nothing, one everything, one wrongly in every way.
Each runs all cells. Nobody meets a traceback; what is wrong is said below the check.
"""

import json
import os
import subprocess
import sys
import venv
from pathlib import Path

import nbformat
import pytest

from coursekit.labs import lab

ROOT = Path(__file__).resolve().parents[2]
LAB = "11_initialization.ipynb"
RUN = """
import json, sys
import nbformat
from nbclient import NotebookClient
path, answers = sys.argv[1], json.loads(sys.argv[2])
notebook = nbformat.read(path, as_version=4)
for cell in notebook.cells:
    cell.source = answers.get(cell.id, cell.source).strip()
notebook.cells.append(nbformat.v4.new_code_cell(answers["end"], id="end"))
NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
def text(output):
    return output.get("text") or output.get("data", {}).get("text/plain", "")
print(json.dumps({
    cell.id: "\\n".join(text(o) for o in cell.outputs)
    for cell in notebook.cells if cell.cell_type == "code"
}))
"""
END = """
import coursekit, ipywidgets, json
slider, shown = widgets_of(explore_signals(forward_backward_std))
before = shown.value
slider.value = 2.0
print(json.dumps([ipywidgets.__version__, coursekit.__file__,
                  "g = 1.00" in before, "g = 2.00" in shown.value]))
"""
WIDGETS_OF = """
def widgets_of(box):
    return box.children[0].children[0], box.children[-1]
"""
WRONG = {
    "he-std-answer": """
def he_std(shape, mode, a):
    n = shape[1] if mode == "fan_in" else shape[0]
    return 2 / ((1 + a**2) * n)
""",
    "glorot-std-answer": """
def glorot_std(shape):
    return torch.zeros(3)
""",
    "forward-backward-std-answer": """
def forward_backward_std(model, X, y):
    acts, h = [], X
    for layer in model:
        h = layer(h)
        if not isinstance(layer, nn.Linear):
            acts.append(h.std().item())
    cross_entropy(h, y).backward()
    linear = [m for m in model if isinstance(m, nn.Linear)]
    return acts, [m.weight.grad.std().item() for m in linear[:-1]]
""",
    "symmetry-rank-answer": """
def symmetry_rank(W_after):
    W_after -= W_after.mean()
    return int(torch.linalg.matrix_rank(W))
""",
    "zero-last-answer": """
def zero_last(res_model):
    for block in res_model.blocks:
        block.branch.linear2.weight.zero_()
""",
    "my-std": """
def my_std(shape, layer, depth):
    return shap[0]
""",
    "end": "",
}


def right() -> dict[str, str]:
    source = nbformat.read(ROOT / "labs" / "source" / LAB, as_version=4)
    answers = {c.id: c.source for c in source.cells if c.id.endswith("-answer")}
    return answers | {"end": WIDGETS_OF + END}


def execute(
    python: str | Path, answers: dict[str, str], folder: Path, file: str = LAB
) -> dict:
    """Run the released notebook outside the checkout; give the text of each cell."""
    released = (ROOT / "labs" / file).read_text(encoding="utf-8")
    (folder / file).write_text(released, encoding="utf-8")
    clean = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    clean |= {"OMP_NUM_THREADS": "1", "IPYTHONDIR": str(folder / ".ipython")}
    command = [str(python), "-c", RUN, file, json.dumps(answers)]
    done = subprocess.run(
        command, cwd=folder, env=clean, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def colab(tmp_path_factory) -> Path:
    """Make an environment with ipywidgets 7.7 and the wheel; torch is shared."""
    folder = tmp_path_factory.mktemp("colab")
    venv.create(folder / "env", with_pip=True)
    python = folder / "env" / "bin" / "python"
    [packages] = (folder / "env" / "lib").glob("python*/site-packages")
    parent = Path(nbformat.__file__).parents[1]
    (packages / "zz_parent.pth").write_text(f"{parent}\n")
    pip = [python, "-m", "pip", "--quiet"]
    got = subprocess.run(
        [*pip, "install", "--no-deps", "ipywidgets==7.7.*", "ipython-genutils"],
        capture_output=True,
        text=True,
        check=False,
    )
    if got.returncode:
        pytest.skip("no package index gives ipywidgets 7.7")
    subprocess.run([*pip, "wheel", "--no-deps", "-w", folder, ROOT], check=True)
    wheel = next(folder.glob("coursekit-*.whl"))
    subprocess.run([*pip, "install", "--no-deps", wheel], check=True)
    return python


def judge_stub(said: dict[str, str]) -> None:
    checks = {k: v for k, v in said.items() if k.endswith("-check")}
    assert len(checks) == 5
    assert all("Not answered yet: `" in v for v in checks.values())
    assert not any("Traceback" in v for v in said.values())
    assert "opens once the check" in said["signals-view"]
    assert "VBox" in said["training-view"]


def judge_wrong(said: dict[str, str]) -> None:
    assert "behaves like the variance" in said["he-std-check"]
    assert "a tensor of shape (3,)" in said["glorot-std-check"]
    assert "gradients of the weights" in said["forward-backward-std-check"]
    assert (
        "in line 3 (`return int(torch.linalg.matrix_rank(W))`) with NameError"
        in said["symmetry-rank-check"]
    )
    assert "a leaf Variable that requires grad" in said["zero-last-check"]
    assert not any("Traceback" in v for v in said.values())


def judge_right(said: dict[str, str], version: str, where: str) -> None:
    checks = {k: v for k, v in said.items() if k.endswith("-check")}
    assert all("✓" in v and "✗" not in v for v in checks.values()), checks
    for view in ("signals", "rank", "blocks", "training"):
        assert said[f"{view}-view"].startswith("VBox(children=(HBox(")
    found, file, before, after = json.loads(said["end"])
    assert found.startswith(version)
    assert where in file
    assert before
    assert after


def test_an_unanswered_notebook_runs_to_its_end(tmp_path):
    judge_stub(execute(sys.executable, {"end": ""}, tmp_path))


@pytest.mark.parametrize("name", ["10_vanishing_gradients", "12_normalization"])
def test_an_unanswered_notebook_of_any_lab_runs_to_its_end(tmp_path, name):
    said = execute(sys.executable, {"end": ""}, tmp_path, f"{name}.ipynb")
    checks = {k: v for k, v in said.items() if k.endswith("-check")}
    assert len(checks) == len(lab(name).exercises)
    assert all("Not answered yet: `" in v for v in checks.values())
    assert not any("Traceback" in v for v in said.values())
    views = [v for k, v in said.items() if k.endswith("-view")]
    waits = ["opens once the check" in v for v in views]
    assert waits[:-1] == [True] * (len(views) - 1)
    assert "VBox" in views[-1]  # the open task races what stands there


def test_wrong_answers_are_explained_below_their_checks(tmp_path):
    judge_wrong(execute(sys.executable, WRONG, tmp_path))


def test_right_answers_pass_and_the_sliders_live(tmp_path):
    judge_right(execute(sys.executable, right(), tmp_path), "8.", "coursekit")


@pytest.mark.slow
@pytest.mark.packaging
def test_the_notebook_runs_as_in_colab(colab, tmp_path):
    here = str(colab.parents[1])
    judge_right(execute(colab, right(), tmp_path), "7.7", here)
    judge_wrong(execute(colab, WRONG, tmp_path))
    judge_stub(execute(colab, {"end": ""}, tmp_path))
