"""The English sentence pairs: one entry per rule of grammar, with its frames (see `pairs_grammar`)."""

# ruff: noqa: E501 (a frame is read best on one line)

from evaluation.suites.pairs_grammar import Phenomenon

PHENOMENA: tuple[Phenomenon, ...] = (
    # Agreement
    Phenomenon(
        "subject_verb_simple",
        "agreement",
        (
            "The {scene.sg} <often/sometimes/usually> [{scene.s}|{scene.base}] {scene.things} {scene.place}.",
            "The {scene.pl} <often/always/sometimes> [{scene.base}|{scene.s}] {scene.things} {scene.place}.",
            "The {scene.pl} [were|was] {adj} <yesterday/after lunch/last night>.",
            "The {scene.sg} [has|have] just {scene.part} a~ {scene.thing} {scene.place}.",
            "[Does|Do] the {scene.sg} ever {scene.base} {scene.things} {scene.place}?",
        ),
    ),
    Phenomenon(
        "subject_verb_across_phrase",
        "agreement",
        (
            "The {head.sg} {head.prep} {head.things} [is|are] {head.says}.",
            "The {head.pl} {head.prep} {head.thing} [are|is] {head.says}.",
            "The {scene.sg} <behind/next to/opposite> the {scene#2.pl} [has|have] {scene.part} a~ {scene.thing}.",
            "The {scene.pl} <near/beside/in front of> the {scene#2.sg} [look|looks] rather {adj}.",
            "The {head.pl} {head.prep} {head.thing} [were|was] {head.says}, <it seemed/I think/they said>.",
        ),
    ),
    Phenomenon(
        "subject_verb_across_relative",
        "agreement",
        (
            "The {scene.sg} who <knows/likes/trusts> the {scene#2.pl} [{scene.s}|{scene.base}] {scene.things} {scene.place}.",
            "The {scene.things} that the {scene.sg} {scene.past} [are|is] {quality}.",
            "The {scene.thing} that the {scene.pl} {scene.past} [was|were] {quality}.",
            "The {scene.pl} who <helped/met/called> the {scene#2.sg} [have|has] {scene.part} a~ {scene.thing}.",
            "The {scene.sg} whom the {scene#2.pl} <admire/avoid/remember> [is|are] {adj} again.",
        ),
    ),
    Phenomenon(
        "subject_verb_coordinated",
        "agreement",
        (
            "{name.name} and {name#2.name} [are|is] {adj} <today/again/this morning>.",
            "The {scene.sg} and the {scene#2.sg} [were|was] talking <near the gate/in the hall/at the bus stop/on the stairs>.",
            "Both the {scene.sg} and {name.name} [have|has] seen the {scene.thing}.",
            "{name.name} and the {scene.sg} [{scene.base}|{scene.s}] {scene.things} together.",
            "[Do|Does] {name.name} and the {scene.sg} live near the <river/station/school>?",
        ),
    ),
    Phenomenon(
        "existential_there",
        "agreement",
        (
            "There [is|are] a~ {put.thing} {put.where}.",
            "There [are|is] <two/three/several/many> {put.things} {put.where}.",
            "There [was|were] only one {put.thing} {put.where}.",
            "[Are|Is] there any {put.things} {put.where}?",
            "There [have|has] been <some/several/many> {put.things} {put.where} <all day/since Monday/for weeks>.",
        ),
    ),
    Phenomenon(
        "determiner_noun",
        "agreement",
        (
            "The {scene.sg} {scene.past} [this|these] {scene.thing} {scene.place}.",
            "The {scene.pl} {scene.past} [those|that] {scene.things} {scene.place}.",
            "{name.name} looked at [these|this] <old/strange/beautiful> {gift.pl} for a long time.",
            "Who has seen [that|those] {put.thing} {put.where}?",
            "{name.name} has never liked this <old/new/ugly> [{gift}|{gift.pl}].",
        ),
    ),
    Phenomenon(
        "quantifier_noun",
        "agreement",
        (
            "Every [{scene.sg}|{scene.pl}] can {scene.base} a~ {scene.thing}.",
            "Several [{scene.pl}|{scene.sg}] {scene.past} the {scene.thing} {scene.place}.",
            "One of the [{scene.pl}|{scene.sg}] {scene.past} a~ {scene.thing} {scene.place}.",
            "{name.name} saw both [{put.things}|{put.thing}] {put.where}.",
            "Each [{scene.sg}|{scene.pl}] has {scene.part} another {scene.thing}.",
            "There was only one [{put.thing}|{put.things}] {put.where}.",
        ),
    ),
    Phenomenon(
        "anaphor_gender",
        "agreement",
        (
            "{male.name} {refl.past} [himself|herself] {refl.tail}.",
            "{female.name} {refl.past} [herself|himself] {refl.tail}.",
            "The {man} has {refl.part} [himself|herself] {refl.tail}.",
            "The {woman} will {refl.base} [herself|himself] {refl.tail}.",
            "{name.name} saw how the {man} {refl.past} [himself|herself] {refl.tail}.",
        ),
    ),
    Phenomenon(
        "anaphor_number",
        "agreement",
        (
            "The {scene.pl} {refl.past} [themselves|himself] {refl.tail}.",
            "{male.name} {refl.past} [himself|themselves] {refl.tail}.",
            "{female.name} and {male.name} have {refl.part} [themselves|herself] {refl.tail}.",
            "We {refl.past} [ourselves|myself] {refl.tail}.",
            "The {group} did not {refl.base} [themselves|itself] {refl.tail}.",
        ),
    ),
    # Morphology
    Phenomenon(
        "irregular_past",
        "morphology",
        (
            "Yesterday {name.name} [{irr.past}|{irr.part}] {irr.obj}.",
            "Some of the {group} [{irr.past}|{irr.part}] {irr.obj} last <night/week/summer>.",
            "I think that {name.name} [{irr.past}|{irr.part}] {irr.obj} <last night/on Friday/two days ago>.",
            "While {name.name} was asleep, {name#2.name} [{irr.past}|{irr.part}] {irr.obj}.",
            "{name.name} [{irr.past}|{irr.part}] {irr.obj} and then <smiled/left/rested>.",
        ),
    ),
    Phenomenon(
        "irregular_participle",
        "morphology",
        (
            "{name.name} has <already/just/finally> [{irr.part}|{irr.past}] {irr.obj}.",
            "The {group} have never [{irr.part}|{irr.past}] {irr.obj}.",
            "Before noon, {name.name} had [{irr.part}|{irr.past}] {irr.obj}.",
            "{name.name} should have [{irr.part}|{irr.past}] {irr.obj} <earlier/yesterday/last week>.",
            "Has {name.name} really [{irr.part}|{irr.past}] {irr.obj}?",
        ),
    ),
    Phenomenon(
        "auxiliary_form",
        "morphology",
        (
            "The {scene.sg} can [{scene.base}|{scene.s}] {scene.things} {scene.place}.",
            "The {scene.pl} are [{scene.ing}|{scene.base}] the {scene.things} {scene.place}.",
            "The {scene.sg} does not [{scene.base}|{scene.s}] {scene.things} {scene.place}.",
            "The {scene.sg} will [{scene.base}|{scene.ing}] the {scene.thing} {scene.place}.",
            "The {scene.pl} have [{scene.part}|{scene.base}] a~ {scene.thing} {scene.place}.",
            "Did the {scene.sg} [{scene.base}|{scene.s}] the {scene.thing} {scene.place}?",
        ),
    ),
    Phenomenon(
        "article_a_an",
        "morphology",
        (
            "{name.name} saw [an|a] {an} in the <picture/film/book>.",
            "{name.name} dreamed of [a|an] {a} last night.",
            "The {scene.sg} {scene.past} [an|a] <old/unusual/ordinary/awful/interesting/important> {scene.thing}.",
            "There is [a|an] <small/strange/unique/nice/little> {put.thing} {put.where}.",
            "Can you draw [an|a] {an} next to the {a}?",
        ),
    ),
    Phenomenon(
        "irregular_plural",
        "morphology",
        (
            "{name.name} says that the [{irrpl.pl}|{irrpl.wrong}] {irrpl.says}.",
            "When {name.name} arrived, several [{irrpl.pl}|{irrpl.wrong}] {irrpl.says}.",
            "Did {name.name} notice that two [{irrpl.pl}|{irrpl.wrong}] {irrpl.says}?",
            "In the story that {name.name} told, the [{irrpl.pl}|{irrpl.wrong}] {irrpl.says}.",
            "According to {name.name}, both [{irrpl.pl}|{irrpl.wrong}] {irrpl.says}.",
        ),
    ),
    Phenomenon(
        "comparative_form",
        "morphology",
        (
            "{name.name} is [{cmp.comp}|{cmp.pos}] than {name#2.name}.",
            "{name.name} is as [{cmp.pos}|{cmp.comp}] as {name#2.name}.",
            "This is the [{cmpt.sup}|{cmpt.pos}] of all the {cmpt.things} {cmpt.where}.",
            "{name.name} is [much|very] {cmp.comp} than the {scene.sg}.",
            "No {cmpt.thing} {cmpt.where} is [{cmpt.comp}|{cmpt.sup}] than this one.",
        ),
    ),
    Phenomenon(
        "pronoun_case",
        "morphology",
        (
            "[She|Her] {scene.past} the {scene.thing} {scene.place}.",
            "{name.name} <thanked/called/met> [him|he] {scene.place}.",
            "[They|Them] have {scene.part} a~ {scene.thing} {scene.place}.",
            "The {scene.sg} gave [us|we] a~ {gift} <yesterday/last week/after lunch>.",
            "{name.name} <sat/stood/walked> between [me|I] and the {scene.sg}.",
        ),
    ),
    # Negation and licensing
    Phenomenon(
        "npi_ever",
        "semantics",
        (
            "[No|The] {scene.sg} has ever {scene.part} a~ {scene.thing} {scene.place}.",
            "[Nobody|Somebody] here has ever {scene.part} such a~ {scene.thing}.",
            "[None|Some] of the {scene.pl} have ever {scene.part} the {scene.thing}.",
            "{name.name} has [never|ever] {scene.part} a~ {scene.thing}.",
            "[Few|Some] {scene.pl} have ever {scene.part} a better {scene.thing}.",
        ),
    ),
    Phenomenon(
        "npi_any",
        "semantics",
        (
            "[No|The] {scene.sg} {scene.past} any {scene.things} {scene.place}.",
            "The {scene.sg} has [not|just] {scene.part} any {scene.things} {scene.place}.",
            "[Nobody|Somebody] {scene.past} any {scene.things} {scene.place}.",
            "The {scene.sg} left [without|after] {scene.ing} any {scene.things}.",
            "{name.name} was [not|so] {adj} at all <yesterday/last night/this morning>.",
        ),
    ),
    # Long-distance dependencies
    Phenomenon(
        "wh_island",
        "syntax",
        (
            "Which {strict.thing} did {name.name} [say that|ask when] the {strict.sg} would {strict.base}?",
            "What does {name.name} [believe that|wonder where] the {strict.sg} {strict.past}?",
            "Which {strict.thing} do you [think {name.name}|wonder who] {strict.past}?",
            "The {strict.thing} that {name.name} [thinks that|wonders why] the {strict.sg} {strict.past} is {quality}.",
            "{name.name} found the {strict.thing} that we [said that|asked why] the {strict.sg} {strict.past}.",
        ),
    ),
    Phenomenon(
        "adjunct_island",
        "syntax",
        (
            "Which {scene.thing} did the {scene.sg} [{scene.base} after meeting {name.name}|meet {name.name} after {scene.ing}]?",
            "What did the {scene.sg} [{scene.base} before thanking {name.name}|thank {name.name} before {scene.ing}]?",
            "Which {scene.things} will the {scene.sg} [{scene.base} while visiting {name.name}|visit {name.name} while {scene.ing}]?",
            "{name.name} knows which {scene.thing} the {scene.sg} [{scene.past} without asking {name#2.name}|asked {name#2.name} without {scene.ing}].",
        ),
    ),
    Phenomenon(
        "coordinate_structure",
        "syntax",
        (
            "What did [{name.name} and the {scene.sg} {scene.base}|the {scene.sg} {scene.base} and {name.name}]?",
            "Which {scene.thing} did the {scene.sg} {scene.base} and {name.name} [<praise/admire/notice>|<laugh/smile/wait>]?",
            "What did {name.name} buy [with|and] the {counted} <yesterday/last week/on Friday>?",
            "{name.name} knows which {scene.thing} the {scene.sg} {scene.past} and {name#2.name} [noticed|laughed].",
            "Who did [{name.name} and {name#2.name} visit|{name.name} visit and {name#2.name}] <last summer/on Sunday>?",
        ),
    ),
    Phenomenon(
        "filler_gap",
        "syntax",
        (
            "{name.name} knows [what|that] the {strict.sg} {strict.past} {strict.place}.",
            "{name.name} <knows/remembers/noticed> [that|what] the {strict.sg} {strict.past} the {strict.thing}.",
            "{name.name} remembers [who|that] {strict.past} the {strict.thing} {strict.place}.",
            "It is clear [that|what] the {strict.sg} will {strict.base} the {strict.thing}.",
            "{name.name} asked [which {strict.thing}|whether] the {strict.sg} had {strict.part}.",
        ),
    ),
    Phenomenon(
        "inversion",
        "syntax",
        (
            "Why [has the {scene.sg}|the {scene.sg} has] {scene.part} the {scene.thing}?",
            "{name.name} does not know where [the {scene.sg} is|is the {scene.sg}] now.",
            "Where [did the {scene.sg}|the {scene.sg} did] {scene.base} the {scene.thing}?",
            "I wonder when [the {scene.sg} will|will the {scene.sg}] {scene.base} the {scene.thing}.",
            "Never [has {name.name}|{name.name} has] {scene.part} such a~ {scene.thing}.",
        ),
    ),
    Phenomenon(
        "relative_pronoun",
        "syntax",
        (
            "The {scene.sg} [who|which] {scene.past} the {scene.thing} is {adj}.",
            "The {scene.thing} [which|who] the {scene.sg} {scene.past} is {quality}.",
            "The {scene.sg} [whose|who] {scene.thing} we saw lives near the <river/station/park>.",
            "{name.name} met the {scene.sg} [who|what] {scene.past} the {scene.thing}.",
            "The {scene.thing} [that|what] the {scene.pl} {scene.past} was {quality}.",
        ),
    ),
    # Verbs and what they take
    Phenomenon(
        "passive",
        "argument structure",
        (
            "The {scene.thing} was [{scene.part}|{intr.part}] by the {scene.sg} {scene.place}.",
            "The {scene.things} were [{scene.part}|{intr.part}] by {name.name} <yesterday/on Monday/last week>.",
            "A~ {scene.thing} has been [{scene.part}|{intr.part}] by the {scene.sg}.",
            "The {scene.thing} will be [{scene.part}|{intr.part}] by the {scene.pl}.",
            "The {scene.thing} was [{scene.part}|{scene.ing}] by the {scene.sg} {scene.place}.",
        ),
    ),
    Phenomenon(
        "transitivity",
        "argument structure",
        (
            "The {scene.sg} [{scene.past}|{intr.past}] the {scene.thing} {scene.place}.",
            "{name.name} [{intr.past}|{strict.past}] {intr.tail}.",
            "The {scene.pl} will [{scene.base}|{intr.base}] the {scene.things} {scene.place}.",
            "Did {name.name} [{intr.base}|{strict.base}] {intr.tail}?",
            "Who has [{scene.part}|{intr.part}] the {scene.thing} {scene.place}?",
        ),
    ),
    Phenomenon(
        "dative",
        "argument structure",
        (
            "{name.name} [{giving.past}|{giving.wpast}] {name#2.name} the {gift}.",
            "The {scene.sg} will [{giving.base}|{giving.wbase}] {name.name} the {gift}.",
            "{name.name} has [{giving.part}|{giving.wpart}] the {scene.pl} a~ {gift}.",
            "Did the {scene.sg} [{giving.base}|{giving.wbase}] {name.name} this {gift}?",
            "Please [{giving.base}|{giving.wbase}] the {scene.sg} the {gift}.",
        ),
    ),
    Phenomenon(
        "clause_complement",
        "argument structure",
        (
            "{name.name} [told|said] {name#2.name} that the {scene.sg} was {adj}.",
            "{name.name} [said|told] that the {scene.sg} had {scene.part} the {scene.thing}.",
            "{name.name} [persuaded|suggested] the {scene.sg} to {scene.base} the {scene.thing}.",
            "{name.name} [reminded|mentioned] {name#2.name} that the {scene.thing} was {quality}.",
            "{name.name} [made|forced] the {scene.sg} {scene.base} the {scene.thing}.",
        ),
    ),
    Phenomenon(
        "gerund_infinitive",
        "argument structure",
        (
            "The {scene.sg} {gerund} [{scene.ing}|to {scene.base}] {scene.things}.",
            "The {scene.sg} {inf.s} [to {scene.base}|{scene.ing}] the {scene.thing}.",
            "{name.name} has finished [{scene.ing}|to {scene.base}] the {scene.thing}.",
            "{name.name} {inf.past} [to {scene.base}|{scene.ing}] the {scene.thing} with the {scene.sg}.",
            "{name.name} is looking forward to [{scene.ing}|{scene.base}] the {scene.thing}.",
            "The {scene.sg} let {name.name} [{scene.base}|{scene.ing}] the {scene.thing}.",
        ),
    ),
    Phenomenon(
        "preposition_choice",
        "argument structure",
        (
            "{name.name} {prep.says} [{prep.good}|{prep.bad}] {prep.obj}.",
            "I know that {name.name} {prep.says} [{prep.good}|{prep.bad}] {prep.obj}.",
            "<My cousin/The new tenant/Our neighbour> {prep.says} [{prep.good}|{prep.bad}] {prep.obj}, just like {name.name}.",
            "{name.name}, who lives next door, {prep.says} [{prep.good}|{prep.bad}] {prep.obj}.",
        ),
    ),
    # Quantity, order and degree
    Phenomenon(
        "count_mass",
        "semantics",
        (
            "How [much|many] {mass} does {name.name} need?",
            "How [many|much] {put.things} are there {put.where}?",
            "{name.name} bought [a little|a few] {mass} <yesterday/on Monday/at the shop>.",
            "{name.name} has too [many|much] {counted} and too little {mass}.",
            "There is [less|fewer] {mass} here than {name.name} expected.",
        ),
    ),
    Phenomenon(
        "adjective_order",
        "syntax",
        (
            "{name.name} found a~ [{size.size} {size.colour}|{size.colour} {size.size}] {size.thing}.",
            "There was a~ [{age.age} {age.material}|{age.material} {age.age}] {age.thing} in {name.name}'s room.",
            "{name.name} has lost the [{size.size} {size.colour}|{size.colour} {size.size}] {size.thing}.",
            "Did {name.name} see the [{age.age} {age.material}|{age.material} {age.age}] {age.thing}?",
        ),
    ),
    Phenomenon(
        "so_such",
        "syntax",
        (
            "{name.name} was [so|such] {adj} that the {scene.sg} noticed it.",
            "It was [such|so] a~ <good/strange/lovely/remarkable> {scene.thing} that {name.name} noticed it.",
            "The {scene.pl} were [so|such] {adj} that they went home.",
            "{name.name} has never seen [such|so] <good/strange/lovely/unusual> {scene.things} before.",
            "The {scene.sg} {scene.past} [such|so] a~ <unusual/interesting/fine/strange> {scene.thing}.",
        ),
    ),
    # Time and condition
    Phenomenon(
        "tense_time",
        "semantics",
        (
            "The {scene.sg} [{scene.past}|will {scene.base}] the {scene.thing} <yesterday/last week/two days ago>.",
            "The {scene.sg} [will {scene.base}|{scene.past}] the {scene.thing} <tomorrow/next week/next Monday>.",
            "Last <year/month/summer> {name.name} [was|is] in the <mountains/city/country> with the {scene.sg}.",
            "Yesterday the {scene.pl} [did|do] not {scene.base} any {scene.things}.",
            "{name.name} [has|is] known the {scene.sg} for <two/three/ten> years.",
        ),
    ),
    Phenomenon(
        "conditional",
        "semantics",
        (
            "If {name.name} had {scene.part} the {scene.thing}, the {scene.sg} would have [smiled|smile].",
            "{name.name} would have {scene.part} the {scene.thing} if the {scene.sg} [had|has] agreed.",
            "If there is time tomorrow, the {scene.sg} [will {scene.base}|{scene.past}] the {scene.thing}.",
            "If I were the {scene.sg}, I [would|did] {scene.base} the {scene.thing}.",
            "Unless {name.name} [arrives|arrived] soon, the {scene.sg} will {scene.base} the {scene.thing}.",
        ),
    ),
    # Reference and ellipsis
    Phenomenon(
        "binding_domain",
        "syntax",
        (
            "{male.name} says that {female.name} {refl.past} [herself|himself] {refl.tail}.",
            "{female.name} thinks that the {scene.pl} {refl.past} [themselves|herself] {refl.tail}.",
            "The {group} believe that {male.name} {refl.past} [himself|themselves] {refl.tail}.",
            "{female.name}'s <brother/father/uncle/son> {refl.past} [himself|herself] {refl.tail}.",
            "The {scene.pl} near {male.name} {refl.past} [themselves|himself] {refl.tail}.",
        ),
    ),
    Phenomenon(
        "ellipsis",
        "syntax",
        (
            "{name.name} has {scene.part} a~ {scene.thing}, and {name#2.name} [has|is] too.",
            "The {scene.sg} will {scene.base} the {scene.thing}, but {name.name} [won't|isn't].",
            "{name.name} {scene.past} a~ {scene.thing}, and so [did|was] the {scene.sg}.",
            "{name.name} can {scene.base} {scene.things}, but {name#2.name} [can't|hasn't].",
            "{name.name} was {adj}, and the {scene.sg} [was|did] too.",
        ),
    ),
    Phenomenon(
        "tag_question",
        "syntax",
        (
            "{name.name} is {adj}, [isn't|doesn't] {name.sub}?",
            "The {scene.pl} {scene.past} the {scene.thing}, [didn't|weren't] they?",
            "{female.name} has {scene.part} the {scene.thing}, hasn't [she|he]?",
            "{male.name} will {scene.base} the {scene.thing}, [won't|isn't] he?",
            "The {scene.sg} and {name.name} are {adj}, aren't [they|we]?",
        ),
    ),
)
