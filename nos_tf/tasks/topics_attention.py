"""Next-character prediction with a small transformer: the text of `topics_gru`, but a different kind of child."""

from __future__ import annotations

from typing import Any

from nos_tf.tasks import topics_gru
from nos_tf.tasks.task import register


def build_model() -> Any:
    """One block of width 32 with two heads."""
    from nos_tf.models import transformer

    return transformer.build(topics_gru.LENGTH, topics_gru.CHARACTERS, width=32, heads=2)


register(
    "topics_attention", topics_gru.load, build_model, topics_gru.label, batch_size=32, examples_per_epoch=1600, epochs=2
)
