"""Decides: talks to models, keeps the journal, goes round, scores. Runs on the host and never imports torch."""
