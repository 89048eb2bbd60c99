"""What benchmarks, baselines and metrics are called in the reader's language."""

from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_lazy, gettext_noop

Text = str | Promise

METRICS: dict[str, Text] = {
    "accuracy": gettext_lazy("accuracy"),
    "accuracy_normalised": gettext_lazy("accuracy, by length"),
    "bits_per_byte": gettext_lazy("bits per byte"),
    "bits_per_character": gettext_lazy("bits per character"),
    "bleu": gettext_lazy("BLEU"),
    "byte_perplexity": gettext_lazy("byte perplexity"),
    "cer": gettext_lazy("character error rate"),
    "chrf": gettext_lazy("chrF"),
    "cond_ppl": gettext_lazy("perplexity of targets"),
    "exact_match": gettext_lazy("exact match"),
    "f1": gettext_lazy("F1"),
    "macro_f1": gettext_lazy("macro F1"),
    "mrr": gettext_lazy("mean reciprocal rank"),
    "pass_at_1": gettext_lazy("pass@1"),
    "pearson": gettext_lazy("Pearson"),
    "pppl": gettext_lazy("pseudo-perplexity"),
    "recall_at_1": gettext_lazy("first of the choices"),
    "recall_at_2": gettext_lazy("among the first two"),
    "rouge1": gettext_lazy("ROUGE-1"),
    "rouge2": gettext_lazy("ROUGE-2"),
    "rouge_l": gettext_lazy("ROUGE-L"),
    "spearman": gettext_lazy("Spearman"),
    "target_perplexity": gettext_lazy("perplexity of the last word"),
    "token_perplexity": gettext_lazy("token perplexity"),
    "wer": gettext_lazy("word error rate"),
    "word_perplexity": gettext_lazy("word perplexity"),
}

# Names that the product's own benchmarks and baselines carry; other benchmarks are shown as they are called.
_KNOWN_NAMES = frozenset(
    {
        gettext_noop("Grammar pairs, Chinese"),
        gettext_noop("Grammar pairs, English"),
        gettext_noop("Names, Chinese"),
        gettext_noop("Names, English"),
        gettext_noop("Next turn of a talk, Chinese"),
        gettext_noop("Next turn of a talk, English"),
        gettext_noop("Questions on short texts, Chinese"),
        gettext_noop("Questions on short texts, English"),
        gettext_noop("Running text, Chinese"),
        gettext_noop("Running text, English"),
        gettext_noop("Sentiment, Chinese"),
        gettext_noop("Sentiment, English"),
        gettext_noop("Similar sentences, Chinese"),
        gettext_noop("Similar sentences, English"),
        gettext_noop("Small programs, Python"),
        gettext_noop("Spoken words, English"),
        gettext_noop("Summaries of talks, English"),
        gettext_noop("Topics of short texts, Chinese"),
        gettext_noop("Topics of short texts, English"),
        gettext_noop("Translation, Chinese to English"),
        gettext_noop("Translation, English to Chinese"),
        gettext_noop("chance"),
        gettext_noop("copy of the source"),
        gettext_noop("empty function"),
        gettext_noop("first line"),
        gettext_noop("majority"),
        gettext_noop("no entities"),
        gettext_noop("one word for all"),
        gettext_noop("shared character pairs"),
        gettext_noop("shared words"),
        gettext_noop("shorter string wins"),
        gettext_noop("unigram bytes"),
        gettext_noop("whole passage"),
    }
)


def shown_name(name: str) -> str:
    """A benchmark's or baseline's name in the reader's language, where the product knows it."""
    return gettext(name) if name in _KNOWN_NAMES else name


def metric_name(metric: str) -> Text:
    return METRICS.get(metric, metric.replace("_", " "))
