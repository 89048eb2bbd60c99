"""Text classifiers: a very small ModernBERT with a vocabulary of its own, learnt from a few hundred labelled texts.

So few texts are soon known by heart. Against that: few parameters, a small vocabulary, words dropped at random from
every text each time it is seen, dropout, softened targets and weight decay. The vectors of all tokens are averaged for
the verdict, which a few hundred texts teach sooner than to gather it in the first token.
"""

import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from training.exceptions import BadRecipe
from training.recipes.data import Example, Outcome, PinnedFile, Say, Source, hold_out, read_examples
from training.recipes.measures import seconds_of

PAD, UNKNOWN, BEGIN, END, MASK = range(5)
SPECIALS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
PUT_ON = "##"  # Before a piece that goes on within a word.
MIN_WORD_COUNT = 2
MIN_ENDING_WORDS = 15
WARM_UP_STEPS = 30
THREADS = 1  # The order in which threads add up would change the last bits of the weights.


@dataclass(frozen=True)
class ClassifierRecipe:
    """Train a network for sequence classification from nothing.

    Attributes:
        sources: one file with texts and labels; every `hold_out_every`-th measures a trial that learns from the
            others, before the model that is kept learns from all.
        labels: the classes, in the order of the model's outputs.
        vocabulary_size: words and pieces of words at most, collected from the same texts.
        context: tokens of the longest text; the rest is cut off.
        drop_words: how many of a text's tokens are left out each time it is seen, as a fraction.
        label_smoothing: the part of each target that is shared out among all labels.
    """

    sources: tuple[Source, ...]
    labels: tuple[str, ...]
    vocabulary_size: int = 3000
    hidden_size: int = 64
    layers: int = 2
    heads: int = 4
    context: int = 128
    dropout: float = 0.1
    classifier_dropout: float = 0.3
    drop_words: float = 0.4
    label_smoothing: float = 0.1
    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    batch_size: int = 16
    epochs: int = 15
    hold_out_every: int = 5
    seed: int = 1

    kind: ClassVar[str] = "classifier"
    revision: ClassVar[int] = 1

    def train(self, files: Sequence[PinnedFile], folder: Path, *, say: Say) -> Outcome:
        """Write the model in the layout of transformers; the same bytes each time on one machine."""
        began = time.monotonic()
        examples = [example for file in files for example in read_examples(file)]
        if unknown := sorted({example.label for example in examples} - set(self.labels)):
            raise BadRecipe(reason=f"the data has the label {unknown[0]!r}, which the recipe does not name.")
        random.Random(self.seed).shuffle(examples)  # noqa: S311 - an order to learn in, no secret.
        learnt, held_out = hold_out(examples, every=self.hold_out_every)
        trial = _Training(self, learnt, say)
        trial.run()
        accuracy = round(trial.accuracy(held_out), 4)
        say(f"{accuracy:.1%} of {len(held_out)} texts kept back are labelled rightly; now with all {len(examples)}")
        final = _Training(self, examples, say)
        final.run()
        final.save(folder)
        figures = {"held_out_accuracy": accuracy, "held_out_texts": len(held_out)}
        return Outcome(seconds_of(began), final.parameters, figures)


class _Training:
    """One run: vocabulary, network and optimiser."""

    def __init__(self, recipe: ClassifierRecipe, examples: Sequence[Example], say: Say) -> None:
        import torch

        self._recipe = recipe
        self._say = say
        self._tokenizer = _tokenizer([example.text for example in examples], recipe.vocabulary_size)
        self._rows = [self._tokenizer.encode(example.text, add_special_tokens=False).ids for example in examples]
        self._targets = torch.tensor([recipe.labels.index(example.label) for example in examples])
        self._random = random.Random(recipe.seed)  # noqa: S311 - which words to drop, no secret.
        with torch.random.fork_rng():
            torch.manual_seed(recipe.seed)
            self._network = _network(recipe, self._tokenizer.get_vocab_size())
        self._optimiser = torch.optim.AdamW(
            self._network.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay
        )
        self._steps = recipe.epochs * -(-len(examples) // recipe.batch_size)
        self._done = 0

    @property
    def parameters(self) -> int:
        """Numbers learnt."""
        return sum(parameter.numel() for parameter in self._network.parameters())

    def run(self) -> None:
        """Go through the texts, in a new order in each epoch."""
        import torch

        torch.set_num_threads(THREADS)
        self._network.train()
        with torch.random.fork_rng():
            torch.manual_seed(self._recipe.seed)
            for epoch in range(1, self._recipe.epochs + 1):
                order = list(range(len(self._rows)))
                self._random.shuffle(order)
                starts = range(0, len(order), self._recipe.batch_size)
                losses = [self._step(order[start : start + self._recipe.batch_size]) for start in starts]
                if epoch % 5 == 0 or epoch == self._recipe.epochs:
                    self._say(f"epoch {epoch} of {self._recipe.epochs}: loss {sum(losses) / len(losses):.3f} nats")
        self._network.eval()

    def accuracy(self, examples: Sequence[Example]) -> float:
        """The fraction of texts that get their own label."""
        import torch

        right = 0
        with torch.inference_mode():
            for example in examples:
                row = self._tokenizer.encode(example.text, add_special_tokens=False).ids
                logits = self._network(**_batch([self._framed(row)])).logits
                right += self._recipe.labels[int(logits.argmax())] == example.label
        return right / len(examples)

    def save(self, folder: Path) -> None:
        """Write weights, configuration and tokenizer."""
        from transformers import PreTrainedTokenizerFast
        from transformers.utils import logging

        logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # One file of a few kilobytes needs none.
        self._network.save_pretrained(folder)
        PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
            tokenizer_object=self._tokenizer,
            model_max_length=self._recipe.context,
            pad_token=SPECIALS[PAD],
            unk_token=SPECIALS[UNKNOWN],
            cls_token=SPECIALS[BEGIN],
            sep_token=SPECIALS[END],
            mask_token=SPECIALS[MASK],
        ).save_pretrained(folder)

    def _step(self, numbers: Sequence[int]) -> float:
        import torch

        kept = [[unit for unit in self._rows[n] if self._random.random() >= self._recipe.drop_words] for n in numbers]
        logits = self._network(**_batch([self._framed(row) for row in kept])).logits
        loss = torch.nn.functional.cross_entropy(
            logits, self._targets[list(numbers)], label_smoothing=self._recipe.label_smoothing
        )
        self._done += 1
        rise, fall = min(1.0, self._done / WARM_UP_STEPS), 1 - self._done / (self._steps + 1)
        for group in self._optimiser.param_groups:
            group["lr"] = self._recipe.learning_rate * rise * fall
        self._optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self._network.parameters(), 1.0)
        self._optimiser.step()
        return float(loss.detach())

    def _framed(self, row: Sequence[int]) -> list[int]:
        return [BEGIN, *row[: self._recipe.context - 2], END]


def _tokenizer(texts: Sequence[str], size: int) -> Any:
    """A tokenizer in lower case that cuts words as BERT's does, with a vocabulary from these texts."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

    normalizer, splitter = normalizers.BertNormalizer(lowercase=True), pre_tokenizers.BertPreTokenizer()
    words = Counter(word for text in texts for word, _ in splitter.pre_tokenize_str(normalizer.normalize_str(text)))
    pieces = {piece: number for number, piece in enumerate(vocabulary(words, size))}
    tokenizer = Tokenizer(models.WordPiece(pieces, unk_token=SPECIALS[UNKNOWN]))
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = splitter
    tokenizer.decoder = decoders.WordPiece(prefix=PUT_ON)
    tokenizer.post_processor = processors.BertProcessing((SPECIALS[END], END), (SPECIALS[BEGIN], BEGIN))
    return tokenizer


def vocabulary(words: Counter[str], size: int) -> list[str]:
    """Special tokens, letters, frequent endings, and whole words, the most frequent ones, until `size` is reached.

    The usual trainer of WordPieces numbers what it finds in an order that changes from run to run; here equal texts
    give equal vocabularies, and words of a few hundred texts are soon counted.
    """
    letters = sorted({letter for word in words for letter in word})
    endings = Counter(word[-length:] for word in words for length in (2, 3, 4) if len(word) >= length + 3)
    frequent = sorted(ending for ending, count in endings.items() if count >= MIN_ENDING_WORDS)
    ranked = sorted(words.items(), key=lambda item: (-item[1], item[0]))
    within = [PUT_ON + piece for piece in (*letters, *frequent)]
    whole = [word for word, count in ranked if count >= MIN_WORD_COUNT]
    return list(dict.fromkeys([*SPECIALS, *letters, *within, *whole]))[:size]


def _network(recipe: ClassifierRecipe, vocabulary_size: int) -> Any:
    from transformers import ModernBertConfig, ModernBertForSequenceClassification

    config = ModernBertConfig(
        vocab_size=vocabulary_size,
        hidden_size=recipe.hidden_size,
        intermediate_size=2 * recipe.hidden_size,
        num_hidden_layers=recipe.layers,
        num_attention_heads=recipe.heads,
        max_position_embeddings=recipe.context,
        classifier_pooling="mean",
        embedding_dropout=recipe.dropout,
        mlp_dropout=recipe.dropout,
        attention_dropout=recipe.dropout,
        classifier_dropout=recipe.classifier_dropout,
        id2label=dict(enumerate(recipe.labels)),
        label2id={label: number for number, label in enumerate(recipe.labels)},
        problem_type="single_label_classification",
        pad_token_id=PAD,
        cls_token_id=BEGIN,
        sep_token_id=END,
        bos_token_id=BEGIN,
        eos_token_id=END,
    )
    return ModernBertForSequenceClassification(config)


def _batch(rows: Sequence[Sequence[int]]) -> dict[str, Any]:
    """Ids and mask, shape (rows, longest); padding behind."""
    import torch

    longest = max(map(len, rows))
    ids = torch.tensor([[*row, *[PAD] * (longest - len(row))] for row in rows])
    return {"input_ids": ids, "attention_mask": (ids != PAD).long()}
