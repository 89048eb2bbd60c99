"""Recipes: how small models are trained.

A recipe is a frozen value: sources, sizes, steps and a seed. Equal recipes on equal data give equal weights on one
machine. What was trained keeps its recipe in `recipe.json` (see `record`), so that it can be built again.
"""
