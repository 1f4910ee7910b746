"""The whole loop with a real small language model: `make test-llm`, never in CI."""
