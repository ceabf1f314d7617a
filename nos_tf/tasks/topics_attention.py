"""Next-character prediction by a small transformer: the text of `topics`, a child of another kind."""

from __future__ import annotations

from typing import Any

from nos_tf.tasks import topics
from nos_tf.tasks.task import register


def build_model() -> Any:
    """One block, 32 wide, of two heads."""
    from nos_tf.models import transformer

    return transformer.build(topics.LENGTH, topics.CHARACTERS, width=32, heads=2)


register("topics_attention", topics.load, build_model, topics.label, batch_size=32, examples_per_epoch=1600, epochs=2)
