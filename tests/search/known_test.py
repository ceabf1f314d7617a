from nos_tf.dsl import parse
from nos_tf.evaluation.result import Evaluation
from nos_tf.search.known import KnownRules, keys_of
from nos_tf.search.trial import Trial


def trial(number: int, key: str, fingerprint: str, duplicate_of: int | None = None) -> Trial:
    evaluation = Evaluation(0.5, "trained") if duplicate_of is None else None
    return Trial(number, "ppo", 0, parse("g"), key, 0.5, evaluation, duplicate_of, fingerprint=fingerprint)


def test_either_key_is_enough() -> None:
    (by_algebra, by_behavior), (same_algebra, other_behavior) = keys_of(
        [parse("drop(g, 0.3) * m"), parse("m * drop(g, 0.3)")]
    )
    assert by_algebra == same_algebra
    assert by_behavior != other_behavior
    (key, mark), (other_key, same_mark) = keys_of([parse("sign(m) * g"), parse("sign(adam) * g")])
    assert key != other_key
    assert mark == same_mark


def test_rules_equal_to_a_duplicate_equal_its_trial() -> None:
    first, other = trial(0, "a", "A"), trial(1, "b", "B")
    known = KnownRules([first, other, trial(2, "c", "A", duplicate_of=0), trial(3, "c", "D", duplicate_of=0)])
    assert known.find(("c", "C")) is first
    assert known.find(("d", "D")) is first
    assert known.find(("e", "B")) is other
    assert known.find(("e", "E")) is None
    known.add(("e", "E"), other)
    assert known.find(("e", "F")) is other


def test_a_duplicate_may_come_before_the_trial_that_it_equals() -> None:
    later = trial(1, "b", "B")
    known = KnownRules([trial(0, "a", "A", duplicate_of=1), later])
    assert known.find(("a", "C")) is known.find(("c", "A")) is known.find(("b", "C")) is later


def test_a_batch_is_deduplicated_within_itself_and_against_known_rules() -> None:
    first = trial(0, "a", "A")
    batch = [("b", "B"), ("c", "B"), ("c", "C"), ("d", "A"), ("d", "D"), ("e", "E"), ("a", "E")]
    assert KnownRules([first]).representatives(batch) == [0, 0, 0, first, first, 5, first]


def test_deduplication_does_not_depend_on_where_a_batch_is_interrupted() -> None:
    """A resumed run reconstructs the known rules from its trials."""
    batch = [("a", "A"), ("b", "A"), ("b", "B"), ("c", "C"), ("c", "B"), ("d", "C")]
    whole = KnownRules([]).representatives(batch)
    assert whole == [0, 0, 0, 3, 3, 3]
    for cut in range(1, len(batch)):
        trials = [
            trial(place, *keys, duplicate_of=None if equal == place else equal)
            for place, (keys, equal) in enumerate(zip(batch[:cut], whole, strict=False))
            if isinstance(equal, int)
        ]
        rest = KnownRules(trials).representatives(batch[cut:])
        numbers = [equal.id if isinstance(equal, Trial) else equal + cut for equal in rest]
        assert numbers == whole[cut:]
