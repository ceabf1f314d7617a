import json

from nos_tf.evaluation.result import TRAINED, EpochResult, Evaluation, SweepPoint


def test_survives_json():
    evaluation = Evaluation(
        reward=0.5,
        status=TRAINED,
        learning_rate=0.1,
        accuracy=0.75,
        sweep=(SweepPoint(0.1, 0.4), SweepPoint(1.0, 0.0)),
        history=(EpochResult(1.5, 0.6, -1.0), EpochResult(None, 0.75, -0.5)),
        seconds=1.25,
        message="said something",
    )
    assert Evaluation.from_json(json.loads(json.dumps(evaluation.to_json()))) == evaluation
