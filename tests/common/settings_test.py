import dataclasses

import pytest

from nos_tf.common.settings import Settings, setting


@dataclasses.dataclass(frozen=True)
class Own(Settings):
    units: int = setting(8, "Units.", at_least=1)
    rate: float = setting(0.5, "Rate.", above=0, below=1)
    late: bool = setting(False, "Whether late.")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"units": 0}, r"^units must be at least 1\. Received: units=0$"),
        ({"units": 2.5}, r"^units must be an integer\. Received: units=2\.5$"),
        ({"units": True}, r"Received: units=True$"),
        ({"units": "8"}, r"Received: units='8'$"),
        ({"rate": 1}, r"^rate must be above 0 and below 1\. Received: rate=1$"),
        ({"rate": float("nan")}, r"Received: rate=nan$"),
        ({"rate": None}, r"^rate must be a number\. Received: rate=None$"),
        ({"late": 1}, r"^late must be True or False\. Received: late=1$"),
    ],
)
def test_values_of_another_type_or_range_are_refused(given: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Own(**given)
