"""Judges: prepares data, loads components, trains, predicts, reports. Runs inside the sandbox.

Never imports `orchestrator`, `sandbox` or `prompts`. `contract` and `report` need no torch: the host reads them too.
"""
