"""Reports on a run: tables and a code snippet on the console, figures and tables in one self-contained page."""
