"""The tokenizer of a GGUF file, made from its keys: byte-level BPE (`gpt2`) or the BPE of SentencePiece (`llama`)."""

from __future__ import annotations

from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from smallhub._exceptions import UnsupportedModel
from smallhub.runtimes._gguf_file import GgufFile

_CONTROL, _USER_DEFINED = 3, 4
# How texts are cut before the merges, by the names that converters write. Files from before these names are GPT-2's.
_ENDINGS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
_RUNS = r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}%s| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_CUTS = {"llama-bpe": _ENDINGS + _RUNS % "{1,3}", "qwen2": _ENDINGS + _RUNS % ""}
_LIKE_GPT2 = frozenset({"default", "gpt-2"})
_SPACE = "\u2581"


def read_gguf_tokenizer(file: GgufFile) -> Any:
    """A tokenizer as transformers has them.

    Raises:
        UnsupportedModel: keys are missing, or it is of a kind that is not built here.
    """
    tokens = _list(file, "tokens", str)
    kinds = file.metadata.get("tokenizer.ggml.token_type") or [1] * len(tokens)
    if not isinstance(kinds, list) or len(kinds) != len(tokens) or len(set(tokens)) != len(tokens):
        raise UnsupportedModel("broken_model", f"{file.path.name}: its tokens stand twice, or have no kinds.")
    kind = file.metadata.get("tokenizer.ggml.model")
    if kind == "gpt2":
        tokenizer = _byte_level(file, tokens)
    elif kind == "llama":
        tokenizer = _sentence_piece(file, tokens)
    else:
        raise UnsupportedModel("no_tokenizer", f"{file.path.name}: a tokenizer of the kind {kind!r} is not read yet.")
    for token, number in zip(tokens, kinds, strict=True):
        if number in (_CONTROL, _USER_DEFINED):
            tokenizer.add_tokens([AddedToken(token, special=number == _CONTROL, normalized=False)])
    named = {
        "bos_token": _special(file, tokens, "bos"),
        "eos_token": _special(file, tokens, "eos"),
        "unk_token": _special(file, tokens, "unknown"),
        "pad_token": _special(file, tokens, "padding"),
    }
    # SentencePiece models begin texts with their begin token unless the file says otherwise.
    if file.metadata.get("tokenizer.ggml.add_bos_token", kind == "llama") and named["bos_token"]:
        number = tokens.index(named["bos_token"])
        tokenizer.post_processor = processors.Sequence(
            [
                *([tokenizer.post_processor] if tokenizer.post_processor else []),
                processors.TemplateProcessing(
                    single=f"{named['bos_token']} $A", special_tokens=[(named["bos_token"], number)]
                ),
            ]
        )
    given = {name: value for name, value in named.items() if value is not None}
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer, model_max_length=file.integer("context_length"), **given
    )


def _byte_level(file: GgufFile, tokens: list[str]) -> Any:
    merges = []
    for merge in _list(file, "merges", str):
        parts = merge.split(" ")
        if len(parts) != 2:
            raise UnsupportedModel("broken_model", f"{file.path.name}: a merge is no pair.")
        merges.append((parts[0], parts[1]))
    vocabulary = {token: number for number, token in enumerate(tokens)}
    try:
        tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    except Exception as error:  # The library raises plain exceptions.
        raise UnsupportedModel("no_tokenizer", f"{file.path.name}: {str(error)[:200]}") from error
    tokenizer.pre_tokenizer = _cutter(file)
    tokenizer.decoder = decoders.ByteLevel()
    if file.metadata.get("tokenizer.ggml.pre") == "qwen2":
        tokenizer.normalizer = normalizers.NFC()
    return tokenizer


def _cutter(file: GgufFile) -> Any:
    name = file.metadata.get("tokenizer.ggml.pre", "default")
    by_bytes = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    if name in _LIKE_GPT2:
        return pre_tokenizers.ByteLevel(add_prefix_space=False)
    if name == "smollm":
        digits = pre_tokenizers.Digits(individual_digits=True)
        return pre_tokenizers.Sequence([digits, pre_tokenizers.ByteLevel(add_prefix_space=False)])
    if name in _CUTS:
        return pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(_CUTS[name]), behavior="isolated"), by_bytes])
    raise UnsupportedModel("no_tokenizer", f"{file.path.name}: the way {name!r} of cutting texts is not known yet.")


def _sentence_piece(file: GgufFile, tokens: list[str]) -> Any:
    """A SentencePiece model without merges: any two pieces that make a piece are merged, better scores first."""
    scores = _list(file, "scores", float)
    if len(scores) != len(tokens):
        raise UnsupportedModel("broken_model", f"{file.path.name}: not every token has a score.")
    vocabulary = {token: number for number, token in enumerate(tokens)}
    found = [
        (-scores[number], vocabulary[token[:cut]], vocabulary[token[cut:]], token[:cut], token[cut:])
        for number, token in enumerate(tokens)
        for cut in range(1, min(len(token), 64))
        if token[:cut] in vocabulary and token[cut:] in vocabulary
    ]
    unknown = _special(file, tokens, "unknown")
    merges = [(left, right) for *_, left, right in sorted(found)]
    model = models.BPE(vocab=vocabulary, merges=merges, unk_token=unknown, fuse_unk=True, byte_fallback=True)
    tokenizer = Tokenizer(model)
    prepend = file.metadata.get("tokenizer.ggml.add_space_prefix", True)
    steps = [normalizers.Prepend(_SPACE)] if prepend else []
    tokenizer.normalizer = normalizers.Sequence([*steps, normalizers.Replace(" ", _SPACE)])
    strip = [decoders.Strip(" ", 1, 0)] if prepend else []
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace(_SPACE, " "), decoders.ByteFallback(), decoders.Fuse(), *strip]
    )
    return tokenizer


def _list(file: GgufFile, name: str, kind: type) -> list[Any]:
    values = file.metadata.get(f"tokenizer.ggml.{name}")
    if not isinstance(values, list) or not values or not all(type(value) is kind for value in values):
        raise UnsupportedModel("no_tokenizer", f"{file.path.name}: there is no list tokenizer.ggml.{name}.")
    return values


def _special(file: GgufFile, tokens: list[str], name: str) -> str | None:
    number = file.metadata.get(f"tokenizer.ggml.{name}_token_id")
    return tokens[number] if type(number) is int and 0 <= number < len(tokens) else None
