"""The content store: hashes, chunks, xorbs and shards as pure functions; blob stores and the whole-file cache."""
