"""Bills of materials: what a version consists of, where it comes from and what was measured of it, in two standards.

Pure: `subjects` says what goes in, `cyclonedx` and `spdx` write it.
"""
