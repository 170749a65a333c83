"""Results as pandas tables, sentences and CSV."""
