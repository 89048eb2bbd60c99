"""Addresses of evaluation's part of our own API."""

from django.urls import path, re_path

from evaluation.api import (
    actions,
    bills,
    choosing,
    conversions,
    declarations,
    exchange,
    leaderboards,
    receipts,
    tables,
    verdicts,
    views,
)
from evaluation.boards import GROUPS

app_name = "evaluation_v1"
urlpatterns = [
    path("<plural:plural>/<name:namespace>/<name:name>/sbom", bills.BillView.as_view(), name="sbom"),
    path(
        "models/<name:namespace>/<name:name>/evaluations/<rev:revision>",
        views.EvaluationView.as_view(),
        name="evaluation",
    ),
    path(
        "models/<name:namespace>/<name:name>/evaluations/<rev:revision>/cancel",
        actions.CancelView.as_view(),
        name="evaluation_cancel",
    ),
    path(
        "models/<name:namespace>/<name:name>/evaluations/<rev:revision>/rerun",
        actions.RerunView.as_view(),
        name="evaluation_rerun",
    ),
    path(
        "models/<name:namespace>/<name:name>/model-index/<rev:revision>",
        exchange.ModelIndexView.as_view(),
        name="model_index",
    ),
    path(
        "models/<name:namespace>/<name:name>/eval-results/<rev:revision>",
        exchange.EvalResultsView.as_view(),
        name="eval_results",
    ),
    path(
        "models/<name:namespace>/<name:name>/conversions/<rev:revision>",
        conversions.ConversionsView.as_view(),
        name="conversions",
    ),
    path("models/<name:namespace>/<name:name>/claims/<rev:revision>", exchange.ClaimsView.as_view(), name="claims"),
    path("datasets/<name:namespace>/<name:name>/splits/<rev:revision>", tables.SplitsView.as_view(), name="splits"),
    path("datasets/<name:namespace>/<name:name>/rows/<rev:revision>", tables.RowsView.as_view(), name="rows"),
    path("models/find", choosing.FindView.as_view(), name="models_find"),
    path("models/compare", choosing.CompareView.as_view(), name="models_compare"),
    path("leaderboards", leaderboards.BoardListView.as_view(), name="leaderboards"),
    path("leaderboards/benchmarks/<str:key>", leaderboards.BoardView.as_view(), name="leaderboard"),
    re_path(
        rf"^leaderboards/(?P<by>{'|'.join(GROUPS)})/(?P<value>[^/]+)$",
        leaderboards.GroupView.as_view(),
        name="leaderboard_group",
    ),
    path(
        "models/<name:namespace>/<name:name>/comparisons/<rev:span>",
        verdicts.ComparisonView.as_view(),
        name="comparison",
    ),
    path("models/<name:namespace>/<name:name>/gate", verdicts.GateView.as_view(), name="gate"),
    path(
        "models/<name:namespace>/<name:name>/releases/<rev:release>/gate",
        verdicts.GateOverrideView.as_view(),
        name="gate_override",
    ),
    path(
        "models/<name:namespace>/<name:name>/statuses/<rev:revision>", verdicts.StatusesView.as_view(), name="statuses"
    ),
    path(
        "datasets/<name:namespace>/<name:name>/benchmarks/<rev:revision>",
        declarations.DeclaredView.as_view(),
        name="declared_benchmarks",
    ),
    path("benchmarks", views.BenchmarkListView.as_view(), name="benchmarks"),
    re_path(r"^receipts/(?P<sha256>[0-9a-f]{64})$", views.ReceiptView.as_view(), name="receipt"),
    path("benchmarks/<slug:key>/<int:version>", receipts.BenchmarkVersionView.as_view(), name="benchmark_version"),
    path("keys", receipts.KeysView.as_view(), name="keys"),
    re_path(r"^receipts/(?P<sha256>[0-9a-f]{64})/envelope$", receipts.EnvelopeView.as_view(), name="receipt_envelope"),
    re_path(r"^receipts/(?P<sha256>[0-9a-f]{64})/items$", views.ReceiptItemsView.as_view(), name="receipt_items"),
    re_path(
        r"^receipts/(?P<sha256>[0-9a-f]{64})/items\.parquet$", views.ReceiptTableView.as_view(), name="receipt_table"
    ),
]
