"""The one harness of the large reproductions: distribution, mixed precision, exact resume, logs and the sweep."""
