"""What a run found, for people: tables and a snippet on the console, figures and tables in one self-contained page."""
