"""How families of translation models name languages, found from codes such as `en`, `zh` or `pt-BR`.

Whatever a model itself calls a language is taken as it is (`eng_Latn`, `en_XX`). The short codes of ISO 639-1 are
looked up among the names that its vocabulary has.
"""

from __future__ import annotations

from collections.abc import Collection

from smallhub._exceptions import Invalid

# ISO 639-1, then 639-3 with the usual script as NLLB writes it, then the region that mBART has it with.
_TABLE = """
ar arb_Arab AR|bg bul_Cyrl BG|bn ben_Beng IN|ca cat_Latn ES|cs ces_Latn CZ|da dan_Latn DK|de deu_Latn DE
el ell_Grek GR|en eng_Latn XX|es spa_Latn XX|et est_Latn EE|fa pes_Arab IR|fi fin_Latn FI|fr fra_Latn XX
he heb_Hebr IL|hi hin_Deva IN|hr hrv_Latn HR|hu hun_Latn HU|id ind_Latn ID|it ita_Latn IT|ja jpn_Jpan XX
ko kor_Hang KR|lt lit_Latn LT|lv lvs_Latn LV|ms zsm_Latn MY|nl nld_Latn XX|no nob_Latn NO|pl pol_Latn PL
pt por_Latn XX|ro ron_Latn RO|ru rus_Cyrl RU|sk slk_Latn SK|sl slv_Latn SI|sr srp_Cyrl RS|sv swe_Latn SE
sw swh_Latn KE|ta tam_Taml IN|th tha_Thai TH|tr tur_Latn TR|uk ukr_Cyrl UA|ur urd_Arab PK|vi vie_Latn VN
zh zho_Hans CN
"""
_NAMES = {row.split()[0]: tuple(row.split()[1:]) for row in _TABLE.replace("\n", "|").split("|") if row}
# Other names under which a vocabulary may have a language.
_OTHERS = {"zh": ("cmn_Hans", "cmn"), "no": ("nob", "nor"), "fa": ("fas",), "ar": ("ara",), "lv": ("lav",)}
# As texts are told what to do in words: "translate English to German".
ENGLISH_NAMES = {
    "ar": "Arabic",
    "de": "German",
    "en": "English",
    "es": "Spanish",
    "fr": "French",
    "it": "Italian",
    "ja": "Japanese",
    "ko": "Korean",
    "nl": "Dutch",
    "pt": "Portuguese",
    "ro": "Romanian",
    "ru": "Russian",
    "zh": "Chinese",
}


def language_token(code: str, tokens: Collection[str]) -> str:
    """The vocabulary's own name of a language.

    Args:
        tokens: the model's names of languages, such as `__en__`, `eng_Latn`, `en_XX` or `>>deu<<`.

    Raises:
        Invalid: `unknown_language`, with what the model knows.
    """
    for name in _candidates(code):
        for token in (name, f"__{name}__", f">>{name}<<"):
            if token in tokens:
                return token
    known = ", ".join(sorted(tokens)[:12])
    raise Invalid(f"This model has no language {code!r}; it has {known} …", code="unknown_language", language=code)


def _candidates(code: str) -> list[str]:
    plain = code.replace("-", "_")
    short = plain.split("_")[0].lower()
    names = [plain, code, short]
    if short in _NAMES:
        long, region = _NAMES[short]
        names += [long, long.split("_")[0], f"{short}_{region}", *_OTHERS.get(short, ())]
    return list(dict.fromkeys(names))
