r"""Make the students' notebooks from the instructors'.

One source notebook holds the text, the solutions, the notes of the instructor and
nbgrader's metadata.  The release

1. drops the cells tagged ``instructor``,
2. fills in what the exercises know of themselves (`cards`),
3. runs nbgrader's own preprocessors, which replace the solutions, clear the outputs,
   lock the graded cells and write their checksums.

The same source gives the same bytes: ids come from the source, and neither times nor
paths are written.
"""

from __future__ import annotations

import argparse
import copy
from pathlib import Path
from typing import Any

from coursekit.labs.cards import fill
from coursekit.labs.registry import Lab, lab

__all__ = ["execute", "main", "release", "release_notebook"]

CODE_STUB = "raise NotImplementedError  # replace this line with your code"
TEXT_STUB = "*Replace this line with your answer.*"
PREPROCESSORS = (
    "LockCells",
    "ClearSolutions",
    "ClearOutput",
    "CheckCellMetadata",
    "ClearHiddenTests",
    "ClearMarkScheme",
    "ComputeChecksums",
    "CheckCellMetadata",
)
METADATA = {
    "kernelspec": {
        "display_name": "Python 3",
        "language": "python",
        "name": "python3",
    },
    "language_info": {"name": "python"},
}


def release(source_dir: Path | str, out_dir: Path | str) -> list[Path]:
    """Release every notebook of a folder.

    Args:
        source_dir: Folder with the instructors' notebooks.
        out_dir: Folder for the students'; one whose content would not change is
            not written.

    Returns:
        The released files, in order.

    Raises:
        FileNotFoundError: If there is no notebook in ``source_dir``.
    """
    import nbformat

    sources = sorted(Path(source_dir).glob("*.ipynb"))
    if not sources:
        raise FileNotFoundError(
            f"no notebook lies in {Path(source_dir).resolve()}; expected the "
            "instructors' notebooks, labs/source say"
        )
    Path(out_dir).mkdir(parents=True, exist_ok=True)
    written = []
    for source in sources:
        notebook = _read(source)
        text = nbformat.writes(release_notebook(notebook, lab(source.stem)))
        target = Path(out_dir) / source.name
        if not target.exists() or target.read_text(encoding="utf-8") != text + "\n":
            target.write_text(text + "\n", encoding="utf-8")
        written.append(target)
    return written


def execute(source_dir: Path | str) -> None:
    """Run the instructors' notebooks and store what they print.

    Outputs of cells tagged ``nbval-ignore-output`` are dropped: widgets mean nothing
    without their kernel.

    Args:
        source_dir: Folder with the notebooks; they are written in place.
    """
    import nbformat
    from nbclient import NotebookClient

    for source in sorted(Path(source_dir).glob("*.ipynb")):
        notebook = _read(source)
        NotebookClient(notebook, record_timing=False, timeout=600).execute()
        notebook.metadata = nbformat.from_dict(METADATA)
        for cell in notebook.cells:
            if "nbval-ignore-output" in cell.metadata.get("tags", []):
                cell.outputs = []
        nbformat.write(notebook, source)


def release_notebook(notebook: Any, of: Lab) -> Any:
    """Turn one source notebook into what students get.

    Args:
        notebook: The source; it is not changed.
        of: The lab that it belongs to.

    Returns:
        A new notebook.
    """
    from nbformat import from_dict

    result = copy.deepcopy(notebook)
    result.metadata = from_dict(METADATA)
    result.cells = [
        c for c in result.cells if "instructor" not in c.metadata.get("tags", [])
    ]
    for cell in result.cells:
        cell.metadata.pop("tags", None)
        if cell.cell_type == "markdown":
            cell.source = fill(cell.source, of)
    for preprocessor in _preprocessors():
        result, _ = preprocessor.preprocess(result, {})
    return result


def _read(path: Path) -> Any:
    import nbformat

    return nbformat.read(path, as_version=4)


def _preprocessors() -> list[Any]:
    import nbgrader.preprocessors as available
    from traitlets.config import Config

    config = Config()
    config.ClearSolutions.code_stub = {"python": CODE_STUB}
    config.ClearSolutions.text_stub = TEXT_STUB
    return [getattr(available, name)(config=config) for name in PREPROCESSORS]


def main(arguments: list[str] | None = None) -> int:
    """Release the labs from the command line.

    Args:
        arguments: Words of the command line; ``sys.argv`` if ``None``.

    Returns:
        Exit status.
    """
    parser = argparse.ArgumentParser(
        prog="python -m coursekit.labs.release", description="Make the students' labs."
    )
    parser.add_argument("source", nargs="?", default="labs/source")
    parser.add_argument("out", nargs="?", default="labs")
    parser.add_argument("--execute", action="store_true", help="run the source first")
    options = parser.parse_args(arguments)
    if options.execute:
        execute(options.source)
    for path in release(options.source, options.out):
        print(path)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
