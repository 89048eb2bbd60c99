"""What kind of licence an SPDX id, or the id of a card, stands for. Pure; the one table that filters and pulls ask.

A class is a coarse word for choosing, not advice: `permissive` asks for a notice at most, `copyleft` to share changes
alike, `non-commercial` forbids selling, `restricted` forbids some uses or changes. What the table does not know is
`unknown`, and never passes for any of them.
"""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

PERMISSIVE, COPYLEFT, NON_COMMERCIAL, RESTRICTED = "permissive", "copyleft", "non-commercial", "restricted"
UNKNOWN = "unknown"
CLASSES: dict[str, str | Promise] = {
    PERMISSIVE: gettext_lazy("permissive"),
    COPYLEFT: gettext_lazy("share alike"),
    NON_COMMERCIAL: gettext_lazy("no commercial use"),
    RESTRICTED: gettext_lazy("some uses forbidden"),
    UNKNOWN: gettext_lazy("not known"),
}
_BY_CLASS = {
    PERMISSIVE: """0bsd afl-3.0 apache-2.0 artistic-2.0 blueoak-1.0.0 bsd bsd-2-clause bsd-3-clause bsd-3-clause-clear
        bsl-1.0 cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0 cc0-1.0 cdla-permissive-1.0 cdla-permissive-2.0 ecl-2.0 isc
        mit mit-0 ms-pl ncsa odc-by odc-by-1.0 pddl pddl-1.0 postgresql python-2.0 unlicense wtfpl zlib""",
    COPYLEFT: """agpl-3.0 cc-by-sa-3.0 cc-by-sa-4.0 cdla-sharing-1.0 epl-1.0 epl-2.0 eupl-1.1 eupl-1.2 gfdl gpl
        gpl-2.0 gpl-3.0 lgpl lgpl-2.1 lgpl-3.0 mpl-2.0 ms-rl odbl odbl-1.0 osl-3.0""",
    NON_COMMERCIAL: """cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nc-nd-3.0 cc-by-nc-nd-4.0 cc-by-nc-sa-2.0
        cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 fair-noncommercial-research-license intel-research""",
    RESTRICTED: """bigcode-openrail-m bigscience-bloom-rail-1.0 bigscience-openrail-m cc-by-nd-4.0
        creativeml-openrail-m deepfloyd-if-license gemma llama2 llama3 llama3.1 llama3.2 llama3.3 llama4 openrail
        openrail++""",
}
_CLASS_OF = {licence: kind for kind, names in _BY_CLASS.items() for licence in names.split()}


def licence_class(licence: str) -> str:
    """The class of one licence; "" and what nobody here knows are `unknown`."""
    name = licence.strip().lower()
    for ending in ("-only", "-or-later"):
        name = name.removesuffix(ending)
    return _CLASS_OF.get(name, UNKNOWN)
