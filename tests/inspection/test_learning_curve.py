"""scikit-learn's own learning curves take molecules, broken ones among them."""

import numpy as np
import pytest
from sklearn.model_selection import KFold, LearningCurveDisplay

from skchem_dl.exceptions import InvalidMoleculeWarning
from skchem_dl.metrics import masked_scorer
from skchem_dl.pipelines import make_linear_pipeline


@pytest.mark.filterwarnings("ignore::skchem_dl.exceptions.InvalidMoleculeWarning")
def test_learning_curve(molecules, as_png):
    X, y = np.delete(molecules[0], 4), np.delete(molecules[1], 4)
    display = LearningCurveDisplay.from_estimator(
        make_linear_pipeline(on_invalid="nan"),
        X,
        y,
        train_sizes=[10, 20, 30],
        cv=KFold(3, shuffle=True, random_state=0),
        scoring=masked_scorer("neg_root_mean_squared_error"),
        negate_score=True,
        score_name="RMSE [log10(mol/L)]",
        score_type="both",
    )
    training, test = (line.get_ydata() for line in display.lines_)
    assert display.lines_[0].get_xdata().tolist() == [10, 20, 30]
    assert np.isfinite([training, test]).all()
    assert test[-1] < test[0]
    assert display.ax_.get_ylabel() == "RMSE [log10(mol/L)]"
    as_png(display.figure_)


def test_there_is_a_broken_molecule(molecules):
    with pytest.warns(InvalidMoleculeWarning, match="row 2"):
        make_linear_pipeline(on_invalid="nan")[0].transform(molecules[0])
