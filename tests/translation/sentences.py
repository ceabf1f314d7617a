"""A few sentences and their translations, for tests that need no data set."""

from nos_tf.datasets.parallel_text import ParallelText

PAIRS = (
    ("The house is small.", "Das Haus ist klein."),
    ("The house is old and green.", "Das Haus ist alt und grün."),
    ("The tree is tall.", "Der Baum ist hoch."),
    ("I see the tree behind the house.", "Ich sehe den Baum hinter dem Haus."),
    ("She reads a book.", "Sie liest ein Buch."),
    ("She reads the old book in the evening.", "Sie liest abends das alte Buch."),
    ("We drink water.", "Wir trinken Wasser."),
    ("We drink cold water in summer.", "Im Sommer trinken wir kaltes Wasser."),
    ("Where is the station?", "Wo ist der Bahnhof?"),
    ("The train leaves at eight o'clock.", "Der Zug fährt um acht Uhr ab."),
    ("My brother lives in a big city.", "Mein Bruder wohnt in einer großen Stadt."),
    ("Tomorrow it will rain.", "Morgen wird es regnen."),
)
TEXT = ParallelText([source for source, _ in PAIRS], [target for _, target in PAIRS])
