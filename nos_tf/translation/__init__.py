"""Machine translation: sub-words, batches, loss, beam search and scores."""
