"""What every part of the package may use; nothing in here uses any other part."""
