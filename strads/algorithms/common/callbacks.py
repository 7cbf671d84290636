"""The parameter `callbacks`, which all estimators have."""

from __future__ import annotations

from typing import Any

from strads.engine import Instrument

#: What `callbacks` may be, in an estimator's ``_parameter_constraints``. Estimators keep the value
#: as it is given, since scikit-learn's ``clone`` demands that, and pass it to
#: ``Engine.run(instruments=…)``, which makes a list of instruments of it and names what is neither
#: an instrument nor callable.
CALLBACKS: list[Any] = [Instrument, callable, list, tuple, None]
