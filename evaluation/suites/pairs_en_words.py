"""The word tables of the English sentence pairs.

`scene` is the heart: who does what to what, and where. A row is plausible as a whole, so frames that take their
subject, verb and object from one row stay sensible however they are combined.
"""

from evaluation.suites.pairs_en_forms import inflected, plural
from evaluation.suites.pairs_grammar import Row, Tables, table, words

# Without an object these verbs sound broken, where others ("he wrote") only sound brief.
STRICTLY_TRANSITIVE = words(
    "repair, mend, carry, inspect, lock, replace, wrap, describe, fix, frame, label, admire, tie, find, remove, "
    "discover, locate, reject, lift, receive, mention, use"
)


def people(names: str, pronouns: str) -> list[Row]:
    """Make a table of first names that share the same pronouns."""
    lines = "\n".join(f"{row['word']}; {pronouns}" for row in words(names))
    return table("name sub obj poss refl", lines)


SCENE = inflected(
    table(
        "sg verb thing place",
        """
        baker; bake; cake; in the kitchen
        mechanic; repair; engine; in the garage
        farmer; sell; pumpkin; at the market
        teacher; mark; essay; in the staff room
        gardener; water; plant; behind the house
        painter; frame; portrait; in the studio
        tailor; mend; jacket; in the shop
        carpenter; build; shelf; in the workshop
        lawyer; study; contract; in the office
        journalist; write; article; at home
        chef; taste; sauce; in the kitchen
        librarian; label; map; in the archive
        plumber; fix; tap; in the bathroom
        student; answer; question; in the classroom
        scientist; test; sample; in the laboratory
        singer; learn; song; backstage
        driver; park; van; outside the station
        courier; deliver; parcel; in the village
        editor; correct; chapter; at home
        photographer; choose; picture; in the studio
        architect; draw; plan; in the office
        sailor; tie; rope; on the deck
        engineer; inspect; bridge; outside the town
        waiter; carry; tray; across the terrace
        shopkeeper; count; coin; behind the counter
        tourist; buy; postcard; near the harbour
        child; share; toy; in the garden
        boy; throw; ball; in the yard
        girl; climb; tree; in the park
        neighbour; paint; fence; behind the house
        cyclist; push; bicycle; up the hill
        guard; lock; gate; behind the museum
        secretary; print; letter; in the office
        musician; tune; violin; backstage
        actor; repeat; line; on the stage
        grandmother; knit; scarf; by the fire
        doctor; sign; form; at the clinic
        jeweller; polish; ring; in the shop
        potter; shape; bowl; in the workshop
        collector; sell; stamp; at the fair
        hiker; carry; backpack; through the forest
        manager; approve; plan; at the meeting
        officer; check; passport; at the border
        spy; hide; key; under the floor
        poet; write; poem; by the window
        visitor; admire; statue; in the museum
        historian; translate; diary; in the archive
        programmer; find; mistake; in the office
        weaver; weave; basket; by the river
        blacksmith; forge; sword; in the workshop
        hunter; follow; trail; in the mountains
        monk; copy; manuscript; in the library
        electrician; replace; lamp; in the hall
        butcher; wrap; sausage; behind the counter
        inventor; design; machine; in the cellar
        rider; clean; saddle; in the stable
        thief; steal; necklace; at the hotel
        customer; return; kettle; at the counter
        referee; stop; match; in the stadium
        pupil; clean; desk; in the classroom
        witness; describe; accident; in court
        reporter; record; interview; at the station
        caretaker; remove; ladder; in the hall
        detective; discover; clue; in the attic
        diver; locate; wreck; near the coast
        mayor; reject; proposal; at the meeting
        porter; lift; suitcase; at the hotel
        captain; receive; warning; on the bridge
        minister; mention; law; in the speech
        nurse; use; needle; at the clinic
        """,
    )
)
STRICT = [row for row in SCENE if {"word": row["verb"]} in STRICTLY_TRANSITIVE]

MALE = people(
    "Peter, David, Thomas, Robert, Daniel, Martin, Simon, Oliver, Frank, Henry, Paul, Victor, George, Adam, Felix, "
    "Walter, Hugo, Jacob, Edward, Philip",
    "he; him; his; himself",
)
FEMALE = people(
    "Anna, Maria, Susan, Julia, Emma, Laura, Clara, Helen, Nora, Alice, Diana, Ruth, Sarah, Irene, Martha, Sophie, "
    "Olivia, Rachel, Teresa, Hannah",
    "she; her; her; herself",
)
# Reflexive verbs, each natural with one person or several.
REFLEXIVE = inflected(
    table(
        "verb tail",
        """
        blame; for the accident
        praise; in public
        defend; in court
        describe; in the letter
        introduce; to the guests
        embarrass; at dinner
        surprise; at the concert
        prepare; for the exam
        criticise; too much
        convince; in the end
        comfort; after the bad news
        protect; from the rain
        admire; in the mirror
        injure; on the stairs
        disguise; for the play
        amuse; during the trip
        """,
    )
)
INTRANSITIVE = inflected(
    table(
        "verb tail",
        """
        laugh; during the film
        smile; at the end
        sneeze; in the museum
        arrive; before noon
        cough; during the concert
        yawn; during the lecture
        wait; at the corner
        sleep; on the train
        shiver; in the cold
        giggle; in the classroom
        disappear; after lunch
        faint; in the heat
        snore; during the night
        blush; at the party
        hesitate; at the door
        stumble; on the stairs
        """,
    )
)
PERSON_ADJECTIVE = words(
    "tired, nervous, hungry, happy, angry, worried, busy, ill, proud, bored, thirsty, lonely, curious, cheerful, polite"
)
COMPARED = table(
    "pos comp sup",
    """
    tall; taller; tallest
    young; younger; youngest
    strong; stronger; strongest
    kind; kinder; kindest
    fast; faster; fastest
    rich; richer; richest
    poor; poorer; poorest
    short; shorter; shortest
    brave; braver; bravest
    calm; calmer; calmest
    happy; happier; happiest
    busy; busier; busiest
    lazy; lazier; laziest
    loud; louder; loudest
    weak; weaker; weakest
    wise; wiser; wisest
    """,
)
COMPARED_THING = table(
    "pos comp sup thing things where",
    """
    old; older; oldest; bridge; bridges; in the country
    high; higher; highest; tower; towers; in the city
    deep; deeper; deepest; lake; lakes; in the region
    long; longer; longest; river; rivers; on the map
    big; bigger; biggest; garden; gardens; in the village
    small; smaller; smallest; room; rooms; in the hotel
    cheap; cheaper; cheapest; ticket; tickets; on the list
    heavy; heavier; heaviest; box; boxes; in the cellar
    large; larger; largest; farm; farms; in the valley
    dark; darker; darkest; corner; corners; of the house
    narrow; narrower; narrowest; street; streets; in the town
    steep; steeper; steepest; path; paths; on the island
    bright; brighter; brightest; star; stars; in the sky
    busy; busier; busiest; station; stations; in the city
    easy; easier; easiest; question; questions; in the test
    sharp; sharper; sharpest; knife; knives; in the drawer
    """,
)
# A thing and a place where one would look for it.
PUT = inflected(
    table(
        "thing where",
        """
        cup; on the table
        book; on the shelf
        letter; in the drawer
        picture; on the wall
        towel; in the bathroom
        cat; under the sofa
        bird; on the roof
        duck; on the pond
        coin; in the box
        chair; in the hall
        lamp; beside the bed
        apple; in the bowl
        bottle; in the fridge
        flower; in the vase
        boat; in the harbour
        cow; in the meadow
        tent; by the lake
        bench; in the park
        coat; behind the door
        plate; in the sink
        pencil; on the desk
        cloud; in the sky
        tree; in front of the house
        guest; in the garden
        tractor; in the barn
        suitcase; in the corridor
        bus; at the stop
        egg; in the nest
        candle; on the cake
        stone; in the river
        shop; near the church
        mistake; in the report
        spider; in the cellar
        blanket; on the bed
        horse; behind the barn
        snake; under the stone
        rabbit; in the garden
        bicycle; in the cellar
        newspaper; on the sofa
        scarf; on the hook
        spoon; beside the plate
        car; outside the bank
        ship; near the coast
        soldier; at the gate
        pupil; in the classroom
        parrot; in the cage
        painting; above the piano
        ticket; in the wallet
        basket; under the table
        ladder; behind the shed
        lemon; in the basket
        flag; on the tower
        puddle; in the street
        button; on the floor
        """,
    )
)
# A noun, a second noun inside its phrase that may mislead the verb, and what is said of the first.
HEADED = inflected(
    table(
        "sg prep thing says",
        """
        key; to the; cupboard; rusty
        letter; from the; teacher; very long
        map; of the; island; quite old
        door; to the; garage; still open
        picture; of the; actor; rather blurred
        label; on the; bottle; hard to read
        window; above the; shop; broken
        path; behind the; house; muddy
        book; about the; planet; expensive
        report; on the; accident; incomplete
        poster; for the; concert; too small
        road; through the; village; closed
        bag; under the; chair; empty
        button; on the; jacket; loose
        story; about the; sailor; exciting
        statue; near the; fountain; made of stone
        ticket; for the; match; sold out
        song; about the; river; popular
        bridge; over the; canal; narrow
        tree; beside the; lake; in bloom
        note; for the; neighbour; on the fridge
        lamp; above the; table; too bright
        rule; for the; visitor; strict
        cover; of the; magazine; torn
        price; of the; lamp; reasonable
        handle; of the; knife; wooden
        roof; of the; barn; damaged
        answer; to the; question; wrong
        guide; to the; museum; useful
        gift; for the; child; ready
        dog; next to the; bench; asleep
        shop; opposite the; hotel; crowded
        """,
    )
)
# Verbs whose past tense and participle differ.
IRREGULAR = table(
    "base past part obj",
    """
    write; wrote; written; a long letter
    take; took; taken; the last biscuit
    break; broke; broken; a window
    eat; ate; eaten; two apples
    see; saw; seen; an old film
    give; gave; given; a speech
    drive; drove; driven; a lorry
    ride; rode; ridden; a camel
    choose; chose; chosen; the blue curtains
    steal; stole; stolen; a bicycle
    wear; wore; worn; a green coat
    tear; tore; torn; the wrapping paper
    throw; threw; thrown; the ball over the fence
    grow; grew; grown; enormous tomatoes
    forget; forgot; forgotten; the password
    hide; hid; hidden; the presents
    draw; drew; drawn; a picture of a whale
    fly; flew; flown; a kite
    speak; spoke; spoken; to the manager
    sing; sang; sung; an old song
    drink; drank; drunk; a glass of milk
    begin; began; begun; a new job
    ring; rang; rung; the doorbell
    swim; swam; swum; across the lake
    shake; shook; shaken; the bottle
    freeze; froze; frozen; the leftover soup
    do; did; done; the dishes
    go; went; gone; to the dentist
    """,
)
IRREGULAR_PLURAL = table(
    "sg pl wrong says",
    """
    child; children; childs; played in the snow
    tooth; teeth; tooths; were still loose
    foot; feet; foots; were wet and cold
    mouse; mice; mouses; ran under the sofa
    goose; geese; gooses; crossed the road
    man; men; mans; worked on the roof
    woman; women; womans; sat by the window
    knife; knives; knifes; lay in the drawer
    leaf; leaves; leafs; fell from the branch
    wolf; wolves; wolfs; howled at night
    loaf; loaves; loafs; burned in the oven
    shelf; shelves; shelfs; bent under the books
    thief; thieves; thiefs; escaped in a van
    calf; calves; calfs; slept in the barn
    ox; oxen; oxes; pulled the cart
    sheep; sheep; sheeps; grazed on the hill
    deer; deer; deers; hid in the forest
    wife; wives; wifes; knew each other
    fireman; firemen; firemans; climbed the ladder
    elf; elves; elfs; danced in the moonlight
    """,
)
VOWEL_NOUN = words(
    "apple, orange, egg, umbrella, onion, envelope, island, elephant, owl, oven, ant, eagle, oak, anchor, arrow, "
    "insect, artist, angel, hourglass, aeroplane"
)
CONSONANT_NOUN = words(
    "banana, house, uniform, castle, horse, window, tiger, bridge, university, river, ladder, bear, mountain, rabbit, "
    "church, unicorn, garden, kite, train, helmet"
)
MASS = words(
    "water, milk, bread, rice, sugar, money, furniture, luggage, flour, oil, paper, cheese, salt, butter, honey, soup, "
    "wood, jam, ink, juice"
)
COUNTED = words(
    "eggs, apples, chairs, books, candles, plates, nails, tickets, pencils, blankets, boxes, bottles, coins, lemons, "
    "towels, buttons, stamps, spoons, ropes, maps"
)
# What one person can hand to another, or tell another about.
GIFT = [
    {**row, "pl": plural(row["word"])}
    for row in words(
        "map, photograph, letter, ring, report, plan, ticket, book, recipe, painting, watch, contract, diary, "
        "necklace, poem, camera, key, drawing, postcard, menu"
    )
]
GIVING = table(
    "base past part wbase wpast wpart",
    """
    give; gave; given; describe; described; described
    show; showed; shown; explain; explained; explained
    send; sent; sent; mention; mentioned; mentioned
    promise; promised; promised; report; reported; reported
    offer; offered; offered; say; said; said
    bring; brought; brought; say; said; said
    hand; handed; handed; donate; donated; donated
    promise; promised; promised; say; said; said
    """,
)
GROUP = words("pupils, guests, neighbours, soldiers, visitors, students, villagers, tourists, nurses, players")
PREPOSITION = table(
    "says good bad obj",
    """
    is afraid; of; from; dogs
    is afraid; of; at; the dark
    is interested; in; at; old maps
    is interested; in; of; modern art
    is good; at; of; chess
    is proud; of; on; the new garden
    is famous; for; at; funny stories
    is married; to; of; a dentist
    is responsible; for; at; the budget
    is tired; of; at; cold weather
    is similar; to; of; an uncle of mine
    is allergic; to; at; peanuts
    is full; of; from; good ideas
    is jealous; of; at; a colleague
    is aware; of; on; the danger
    depends; on; at; the weather
    relies; on; of; a single friend
    listens; to; at; the radio
    belongs; to; at; a choir
    believes; in; on; ghosts
    suffers; from; at; headaches
    apologised; for; at; the delay
    insists; on; at; an early start
    objects; to; of; the new rule
    waited; for; of; the last bus
    laughed; at; of; the silly joke
    paid; for; of; the meal
    looked; for; of; the lost keys
    complained; about; at; the noise
    cares; about; at; the environment
    refers; to; at; the first chapter
    borrowed money; from; of; a bank
    """,
)
SIZE_COLOUR = table(
    "size colour thing",
    """
    small; red; ball
    big; black; dog
    long; blue; scarf
    tiny; white; shell
    large; brown; suitcase
    huge; grey; rug
    tall; green; bottle
    little; yellow; cup
    short; purple; skirt
    big; orange; balloon
    small; golden; ring
    large; pink; umbrella
    long; silver; chain
    tiny; green; bead
    """,
)
AGE_MATERIAL = table(
    "age material thing",
    """
    old; wooden; table
    new; leather; bag
    ancient; stone; figure
    new; plastic; bucket
    old; silver; spoon
    new; woollen; blanket
    old; iron; key
    modern; glass; lamp
    old; clay; pot
    new; cotton; shirt
    ancient; bronze; coin
    old; copper; kettle
    new; rubber; ball
    modern; steel; desk
    """,
)
GERUND_VERB = words("enjoys, avoids, keeps, practises, suggests")
INFINITIVE_VERB = table(
    "s past",
    """
    hopes; hoped
    plans; planned
    refuses; refused
    promises; promised
    decides; decided
    agrees; agreed
    expects; expected
    wants; wanted
    """,
)
GENDERED_MALE = words("king, uncle, waiter, prince, widower, grandfather, monk, bridegroom, father, nephew")
GENDERED_FEMALE = words("queen, aunt, waitress, princess, widow, grandmother, nun, bride, mother, niece")
THING_ADJECTIVE = words("famous, missing, very good, quite unusual, rather ordinary, important, expensive, perfect")

TABLES: Tables = {
    "scene": SCENE,
    "strict": STRICT,
    "male": MALE,
    "female": FEMALE,
    "name": [*MALE, *FEMALE],
    "refl": REFLEXIVE,
    "intr": INTRANSITIVE,
    "adj": PERSON_ADJECTIVE,
    "cmp": COMPARED,
    "cmpt": COMPARED_THING,
    "put": PUT,
    "head": HEADED,
    "irr": IRREGULAR,
    "irrpl": IRREGULAR_PLURAL,
    "an": VOWEL_NOUN,
    "a": CONSONANT_NOUN,
    "mass": MASS,
    "counted": COUNTED,
    "gift": GIFT,
    "giving": GIVING,
    "group": GROUP,
    "prep": PREPOSITION,
    "size": SIZE_COLOUR,
    "age": AGE_MATERIAL,
    "gerund": GERUND_VERB,
    "inf": INFINITIVE_VERB,
    "man": GENDERED_MALE,
    "woman": GENDERED_FEMALE,
    "quality": THING_ADJECTIVE,
}
