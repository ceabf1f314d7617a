"""Machine translation: subwords, batches, loss, beam search and metrics."""
