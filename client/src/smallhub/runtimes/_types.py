"""What every model answers, whatever its format."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from smallhub._exceptions import Invalid, UnsupportedModel

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float32]

Runtime = Literal[
    "transformers",
    "ngram",
    "recurrent",
    "arpa",
    "vectors",
    "linear",
    "tree",
    "crf",
    "decoder",
    "seq2seq",
    "onnx",
    "gguf",
]
# The tasks by their names in a card's `pipeline_tag`.
Task = Literal[
    "text-generation",
    "fill-mask",
    "text2text-generation",
    "text-classification",
    "token-classification",
    "question-answering",
    "sentence-similarity",
    "automatic-speech-recognition",
]
Capability = Literal[
    "log_likelihood",
    "pseudo_log_likelihood",
    "conditional_log_likelihood",
    "generate",
    "translate",
    "summarize",
    "classify",
    "tag",
    "answer",
    "embed",
    "transcribe",
    "tokenize",
]
PrefixRule = Literal["document_separator", "harness"]
Method = Literal["auto", "exact", "integrated_gradients", "occlusion"]
Finish = Literal["stop", "length"]

LANGUAGE_MODEL: frozenset[Capability] = frozenset({"log_likelihood", "generate", "tokenize"})
MASKED_MODEL: frozenset[Capability] = frozenset({"pseudo_log_likelihood", "tokenize"})
ENCODER_DECODER: frozenset[Capability] = frozenset({"conditional_log_likelihood", "translate", "summarize", "tokenize"})
CLASSIFIER: frozenset[Capability] = frozenset({"classify", "tokenize"})
TAGGER: frozenset[Capability] = frozenset({"tag", "tokenize"})
READER: frozenset[Capability] = frozenset({"answer", "tokenize"})
ENCODER: frozenset[Capability] = frozenset({"embed", "tokenize"})
TRANSCRIBER: frozenset[Capability] = frozenset({"transcribe"})

BLOCK_TOKENS = 1024  # Long texts are scored in blocks of at most this many tokens, without overlap.
ROOM_TOKENS = 32  # What a long prompt leaves free in the context for its continuation; a quarter of a short context.


@dataclass(frozen=True, slots=True)
class Recognised:
    """What a folder holds, told from its files alone, before anything heavy is imported."""

    runtime: Runtime
    task: Task
    architecture: str
    capabilities: frozenset[Capability]
    # What a format other than safetensors tells of itself: `parameters`, `parameters_by_dtype`, `weight_bytes`,
    # `vocabulary_size`, `context_length`, `labels`; each only where it is known without reading the weights.
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Likelihood:
    """How likely a model finds a text.

    Attributes:
        log_prob: natural logarithm of the probability, summed over all tokens of the text.
        tokens: how many tokens were scored.
        unknown: how many of them stand for something that the vocabulary lacks.
    """

    log_prob: float
    tokens: int
    unknown: int = 0

    def bits_per_byte(self, text: str) -> float:
        """−log₂ of the probability, per byte of the text in UTF-8; 0 for the empty text."""
        size_bytes = len(text.encode())
        return -self.log_prob / (size_bytes * math.log(2)) if size_bytes else 0.0


@dataclass(frozen=True, slots=True)
class Continued:
    """How likely a model finds a continuation after its context.

    Attributes:
        log_prob: natural logarithm of the probability, summed over the continuation's tokens.
        tokens: how many these are: those of both together that come after as many as the context has alone.
        is_greedy: whether each is the likeliest at its place; None where the model does not tell.
        is_merged: the tokenizer joins the context's end with what follows, so the border is not where it was.
        cut_tokens: how many tokens of the context did not fit and were left out, from its beginning on.
    """

    log_prob: float
    tokens: int
    is_greedy: bool | None = None
    is_merged: bool = False
    cut_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Generation:
    """A continuation. `text` is what follows the prompt; `finish` is `stop` when the model ended it by itself.

    `cut_tokens` of the prompt, from its beginning on, did not fit and were left out.
    """

    text: str
    token_ids: tuple[int, ...]
    finish: Finish
    prompt_tokens: int
    cut_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Classification:
    """Labels in the model's order, with probabilities that sum to 1."""

    labels: tuple[str, ...]
    probabilities: tuple[float, ...]

    @property
    def label(self) -> str:
        """The likeliest label; the first one of equals."""
        return self.labels[self.probabilities.index(max(self.probabilities))]


@dataclass(frozen=True, slots=True)
class Answer:
    """A span of the context: `context[start:end] == text`, in code points. Empty where the model finds no answer.

    `score` is the model's own, higher for surer; only comparable inside one model.
    """

    text: str
    start: int
    end: int
    score: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """How much each part of an input moved an answer.

    Attributes:
        units: the parts: words, tokens, or features that a linear model or a tree looks at.
        spans: where each stands, in code points of the input's text; None for what stands nowhere. The words of a
            sentence count as joined by spaces; a question stands before its context, a line break between them; a
            continuation stands behind its text.
        scores: how much each part adds to what is explained; negative where it speaks against it.
        target: the label, the answer or the continuation that is explained.
        method: `exact`, `integrated_gradients` or `occlusion`.
        total: what is explained, for the input as it is.
        baseline: the same for an input without any of the parts. `baseline + sum(scores)` is `total` with the first
            two methods; occlusion takes away one part at a time, and what two parts do together it counts twice or not.
        measure: what `total` and `baseline` are: `probability`, `log_probability`, `score` …
        notes: for each part something worth telling, or nothing at all.
    """

    units: tuple[str, ...]
    spans: tuple[tuple[int, int] | None, ...]
    scores: tuple[float, ...]
    target: str
    method: str
    total: float
    baseline: float
    measure: str = "score"
    notes: tuple[str, ...] = ()

    @property
    def gap(self) -> float:
        """What the parts do not account for; 0 for complete methods, but for rounding."""
        return self.total - self.baseline - math.fsum(self.scores)


class Model(ABC):
    """A loaded model. What is not among its `capabilities` raises `UnsupportedModel("not_capable")`."""

    runtime: ClassVar[Runtime]
    task: Task
    capabilities: frozenset[Capability]

    @abstractmethod
    def description(self) -> dict[str, Any]:
        """Facts for a page, as JSON: `architecture`, `parameters`, `context_length`, `vocabulary_size`, `labels`,
        `prefix_token` (`text`, `id`, `rule`), `dtype`, and what the format has besides.
        """

    @abstractmethod
    def encode(self, text: str) -> list[int]:
        """Ids of a text, without any special tokens around it."""

    @abstractmethod
    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids."""

    def log_likelihood(self, texts: Sequence[str], *, prefix: PrefixRule = "document_separator") -> list[Likelihood]:
        """Score whole texts.

        The first token of a text is predicted from a prefix token. `document_separator` takes the token that parts
        documents (`<|endoftext|>`) where the vocabulary has one, else the begin, else the end token; `harness` takes
        begin, else end. Models of limited context see a long text in blocks of `min(context, 1024)` tokens without
        overlap, each beginning from the prefix token, so that every token is scored exactly once. Models that carry
        a state carry it through the whole text.
        """
        raise self._incapable("log_likelihood")

    def rolling_log_likelihood(self, texts: Sequence[str], *, prefix: PrefixRule = "harness") -> list[Likelihood]:
        """Score whole texts in windows as long as the context allows, as the public harness does.

        Only a text's first token is predicted from the prefix token; a later window goes on from the tokens before
        it, and the last one is filled up with them. Where nothing limits the context this is `log_likelihood`.
        """
        return self.log_likelihood(texts, prefix=prefix)

    def continuation_log_likelihood(
        self, contexts: Sequence[str], *, continuations: Sequence[str], prefix: PrefixRule = "document_separator"
    ) -> list[Continued]:
        """Score each continuation given its context, both tokenised together.

        White space at the end of a context belongs to what follows. An empty context is the prefix token; nothing but
        what the tokenizer itself writes stands before others. A context that does not fit loses its beginning.

        A model without a way of its own answers by the difference of two whole texts, both behind the prefix token.
        """
        pairs = [border(*pair) for pair in zip(contexts, continuations, strict=True)]
        heads = [context for context, _ in pairs]
        wholes = [context + continuation for context, continuation in pairs]
        answers = self.log_likelihood([*heads, *wholes], prefix=prefix)
        found = []
        for number, (head, whole) in enumerate(zip(heads, wholes, strict=True)):
            before, both = self.encode(head), self.encode(whole)
            log_prob = answers[len(heads) + number].log_prob - answers[number].log_prob
            tokens = max(0, len(both) - len(before))
            found.append(Continued(log_prob, tokens, is_merged=both[: len(before)] != before))
        return found

    def continue_greedily(
        self, texts: Sequence[str], *, max_new_tokens: int, stops: Sequence[str] = ()
    ) -> list[Generation]:
        """Go on with many texts by the likeliest tokens: the same as `generate` for each, but that a prompt which
        leaves too little room in the context loses its beginning, and is not refused.

        `stops` are strings behind which nothing is wanted, so that a text may end soon after it holds one of them.
        Where exactly is the runtime's affair: whoever asks cuts it at the first of them.
        """
        return [self.generate(text, max_new_tokens=max_new_tokens) for text in texts]

    def next_log_probs(self, texts: Sequence[str]) -> FloatArray:
        """Log-probabilities of the token that follows each text: shape (texts, vocabulary), computed as one batch."""
        raise self._incapable("log_likelihood")

    def generate(
        self,
        prompt: str,
        *,
        max_new_tokens: int = 40,
        temperature: float = 0.0,
        seed: int = 0,
        use_cache: bool = True,
    ) -> Generation:
        """Go on with a text. Temperature 0 takes the likeliest token each time; else `seed` fixes the draws.

        `use_cache=False` computes everything anew for each token: slower, the same tokens.
        """
        raise self._incapable("generate")

    def classify(self, texts: Sequence[str]) -> list[Classification]:
        """Label texts. Texts longer than the context are cut at its end."""
        raise self._incapable("classify")

    def embed(self, texts: Sequence[str]) -> FloatArray:
        """Vectors of texts, shape (texts, dimension), pooled and normalised as the model's own files say."""
        raise self._incapable("embed")

    def pseudo_log_likelihood(self, texts: Sequence[str]) -> list[Likelihood]:
        """Score texts by hiding one token at a time, each predicted from all the others."""
        raise self._incapable("pseudo_log_likelihood")

    def conditional_log_likelihood(
        self, texts: Sequence[str], *, targets: Sequence[str], source: str = "", target: str = ""
    ) -> list[Likelihood]:
        """Score each target given its source text; what counts are the target's tokens and its end token.

        `source` and `target` are languages as in `translate`, for models that have several.
        """
        raise self._incapable("conditional_log_likelihood")

    def translate(
        self, texts: Sequence[str], *, source: str = "", target: str = "", max_new_tokens: int | None = None
    ) -> list[str]:
        """Translate texts greedily. `source` and `target` are codes such as `en`; a model of one pair needs none.

        `max_new_tokens=None` allows each text twice its own tokens plus 20, as the benchmarks' protocol has it.
        """
        raise self._incapable("translate")

    def summarize(self, texts: Sequence[str], *, max_new_tokens: int = 128) -> list[str]:
        """Summarise texts greedily."""
        raise self._incapable("summarize")

    def tag(self, sentences: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
        """Label words: one label for each word, in the model's own scheme (usually IOB2). Words behind the context's
        end get the label `O`.
        """
        raise self._incapable("tag")

    def answer(self, questions: Sequence[str], *, contexts: Sequence[str]) -> list[Answer]:
        """Find each question's answer in its context. Long contexts are read in overlapping windows."""
        raise self._incapable("answer")

    def transcribe(self, clips: Sequence[FloatArray], *, sampling_rate: int) -> list[str]:
        """Write down speech. A clip is mono, shape (samples,), from -1 to 1, resampled to the model's own rate."""
        raise self._incapable("transcribe")

    def explain(
        self,
        value: str | Sequence[str] | Mapping[str, str],
        *,
        target: str | int | None = None,
        method: Method = "auto",
    ) -> Explanation:
        """Tell how much each part of an input moves an answer.

        Args:
            value: a text for classifiers and language models, the words of a sentence for taggers,
                `{"question": …, "context": …}` for readers, `{"first": …, "second": …}` for sentence encoders.
            target: a label for classifiers; the place of a word for taggers; a continuation for language models. By
                default what the model itself answers: its label, the first word with an entity, its next token. An
                n-gram model without a target tells of each token of the text itself.
            method: `auto` takes the best that the model has: `exact`, else `integrated_gradients`, else `occlusion`.

        Raises:
            Invalid: the value or the target fits no such model.
            UnsupportedModel: `not_explainable` for models of other tasks, and for methods that a model lacks.
        """
        from ._explain import explain

        return explain(self, value, target=target, method=method)

    def _explain(self, value: Any, target: str | int | None, method: Method) -> Explanation | None:
        """The runtime's own way to explain, when it has the method that is asked for; else None."""
        return None

    def _incapable(self, capability: Capability) -> UnsupportedModel:
        return UnsupportedModel("not_capable", f"This model is for {self.task}; it cannot {capability}.")


def border(context: str, continuation: str) -> tuple[str, str]:
    """White space at the end of a context belongs to what follows, for tokens mostly begin with it."""
    kept = context.rstrip()
    return kept, context[len(kept) :] + continuation


def end_of_prompt(ids: list[int], context_length: int | None) -> tuple[list[int], int]:
    """The end of a prompt that leaves room for a continuation, however long that may be, and how much was left out."""
    if context_length is None:
        return ids, 0
    cut = max(0, len(ids) - (context_length - min(ROOM_TOKENS, context_length // 4)))
    return ids[cut:], cut


def check_generation(*, max_new_tokens: int, temperature: float) -> None:
    """Refuse settings that mean nothing.

    Raises:
        Invalid: a negative or absurd number.
    """
    if max_new_tokens < 0:
        raise Invalid("max_new_tokens cannot be negative.", code="invalid_setting")
    if not (temperature >= 0 and math.isfinite(temperature)):
        raise Invalid("temperature must be 0 or a positive number.", code="invalid_setting")
