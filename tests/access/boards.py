"""Rows of the table for leaderboards, comparisons and choosing by need: open to all, private models left out."""

from tests.access.routes import Access, Route, page, read

BOARD_ROUTES: dict[str, Route] = {
    "leaderboards": page("/leaderboards", Access.OPEN),
    "leaderboard_group": page("/leaderboards/tasks/text-generation", Access.OPEN),
    "leaderboard": page("/leaderboards/none", Access.NOTHING),
    "embed_leaderboard": page("/embed/leaderboards/none", Access.NOTHING),
    "compare_models": page("/compare", Access.OPEN),
    "evaluation_v1:leaderboards": read("/api/v1/leaderboards", Access.OPEN),
    "evaluation_v1:leaderboard_group": read("/api/v1/leaderboards/tasks/text-generation", Access.OPEN),
    "evaluation_v1:leaderboard": read("/api/v1/leaderboards/benchmarks/none", Access.NOTHING),
    "evaluation_v1:models_find": read("/api/v1/models/find?task=ner", Access.OPEN),
    "evaluation_v1:models_compare": read(
        "/api/v1/models/compare?models=nobody/one&models=nobody/nothing", Access.NOTHING, names_no_repository=True
    ),
}
