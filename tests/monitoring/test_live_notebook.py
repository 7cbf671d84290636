"""The live display in a real notebook: one output that is updated, and stays."""

import textwrap

import nbformat
import pytest
from nbclient import NotebookClient

from strads.monitoring.live.surfaces import NOTEBOOK_WIDTH

CELLS = (
    """
    import numpy as np, strads
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 100))
    y = X[:, :5].sum(axis=1) + 0.1 * rng.normal(size=200)
    """,
    "model = strads.Lasso(0.01, n_workers=2, verbose=1).fit(X, y)",
    """
    from strads.monitoring import LiveDisplay, event
    with LiveDisplay() as display:
        for k in range(100):
            display(event("step", run=0, step=k, seconds=k / 10, figures={}, updates=k))
    """,
)


@pytest.fixture(scope="module")
def outputs():
    """The outputs of each cell."""
    cells = [nbformat.v4.new_code_cell(textwrap.dedent(text)) for text in CELLS]
    notebook = nbformat.v4.new_notebook(cells=cells)
    NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    return [cell.outputs for cell in notebook.cells]


@pytest.mark.processes
def test_a_fit_shows_one_picture_and_its_last_state_stays(outputs):
    (shown,) = [one for one in outputs[1] if one.output_type == "display_data"]
    text, html = shown.data["text/plain"], shown.data["text/html"]
    assert text.startswith("Lasso ·")
    assert "2 workers (processes)" in text
    assert "worker 1" in text
    assert text.splitlines()[-1] == "certified"
    assert max(map(len, text.splitlines())) < NOTEBOOK_WIDTH
    assert html.startswith("<pre")
    assert "certificate" in html
    assert "http" not in html  # it needs nothing from elsewhere
    assert not [one for one in outputs[1] if one.get("name") == "stderr"]  # nor ipywidgets


@pytest.mark.processes
def test_a_picture_is_one_output_however_often_it_changes(outputs):
    (shown,) = outputs[2]
    assert "step 99" in shown.data["text/plain"]
