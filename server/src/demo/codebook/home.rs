//! At home: rent, prices, climate, and each other.

use super::{DemoTopic, Voices};

pub static HOUSING: DemoTopic = DemoTopic {
    nb: "Bolig og husleie",
    weight: 14.0,
    skew: [1.7, 0.7, 1.0, 0.8],
    voices: Voices {
        nb: &[
            "husleia har gått opp to ganger på ett år",
            "ungene mine får aldri kjøpt noe i denne byen",
            "halvparten av lønna går til leie",
            "kommunen burde bygge boliger selv og leie dem ut billig",
            "det er fukt i veggene, og utleieren gjør ingenting",
            "vi bor fire personer på to rom",
            "fellesutgiftene spiser opp hele økningen i pensjonen",
            "det selges bare til folk som skal leie ut videre",
            "oppgangen er full av korttidsutleie med nye folk hver helg",
            "depositumet var så høyt at vi måtte låne av familien",
            "jeg flytter for femte gang på seks år",
            "det bygges bare toromsleiligheter som ingen familie får plass i",
            "vi tør ikke klage på muggen, for da mister vi leiligheten",
        ],
        nn: &[
            "husleiga aukar kvart einaste år",
            "dei unge har ikkje sjanse på bustadmarknaden",
            "kommunen bør eige fleire utleigebustader",
            "vi bur trongt, og det finst ikkje noko større å leige",
            "utleigaren set opp leiga når det passar han",
            "renta et opp alt vi hadde å gå på",
        ],
        east: &[
            "leia spiser opp alt vi tjener, det er'kke til å leve med",
            "onga våres må flytte ut av byen",
            "det er'kke mulig å få seg noe større når'n har barn",
            "huseier'n svarer jo aldri når det er noe galt",
        ],
        north: &[
            "det e jo helt håpløst å få sæ leilighet her",
            "husleia e så høg at æ må ha to jobba",
            "dem leie ut kott te studentan for en formue",
            "vi kan ikkje bli boanes her når ongan vokse te",
        ],
        en: &[
            "the rent takes more than half of what I earn",
            "we cannot find a bigger flat that we can pay for",
            "the landlord never repairs anything",
            "we have moved three times in two years",
            "every flat here is bought by someone who does not live in it",
            "there is mould on the wall and nobody comes to look",
        ],
    },
};

pub static CLIMATE: DemoTopic = DemoTopic {
    nb: "Klima og miljø",
    weight: 6.0,
    skew: [1.2, 1.3, 0.6, 0.9],
    voices: Voices {
        nb: &[
            "det snakkes mye om klima, men gjøres lite",
            "borettslaget får ikke støtte til solceller",
            "luften er dårlig når det er kaldt",
            "det blir oversvømmelse i kjelleren hver gang det regner kraftig",
            "strømmen må bli billigere for dem som sparer",
            "jeg vil at barnebarna mine skal ha det like godt som jeg",
            "det må lønne seg å reparere ting i stedet for å kaste dem",
            "vi vil ha ladeplasser der folk faktisk bor",
            "ungene spør meg hvorfor de voksne ikke gjør noe",
            "det er asfalt overalt, og vannet har ingen steder å gå",
        ],
        nn: &[
            "det blir snakka mykje om klima, men gjort lite",
            "lufta er dårleg om vinteren",
            "det må løne seg å reise og leve miljøvenleg",
            "vatnet står i kjellaren kvar haust",
        ],
        east: &[
            "det regner jo inn i kjelleren hver gang nå",
            "dem snakker og snakker, men det blir'kke noe klima av det",
            "vi som sorterer, får'kke noe igjen for det",
        ],
        north: &["dem snakke og snakke om klima", "det kjem vatn inn kvar gang det bøtte ned", "lufta her e ikkje te å puste i når det e kaldt"],
        en: &[
            "the air is bad in winter",
            "we should do more for the climate, faster",
            "our cellar is flooded every time it rains hard",
            "it should be cheaper to repair things than to buy new ones",
        ],
    },
};

pub static PRICES: DemoTopic = DemoTopic {
    nb: "Priser og privatøkonomi",
    weight: 9.0,
    skew: [0.9, 0.5, 1.7, 1.2],
    voices: Voices {
        nb: &[
            "maten er blitt så dyr at jeg regner på alt",
            "vi har to jobber og får det likevel ikke til å gå opp",
            "strømregningen tok hele feriepengene",
            "minstepensjonen er ikke til å leve av",
            "det er dyrt å være fattig",
            "sosialhjelpen trekkes når ungene får barnetrygd",
            "de rike betaler for lite skatt",
            "jeg hopper over middagen på slutten av måneden",
            "bursdager er blitt noe jeg gruer meg til, for det koster",
            "vi har ikke vært på ferie på fire år",
            "lønna går inn den ene dagen og ut den neste",
        ],
        nn: &[
            "maten er vorten altfor dyr",
            "minstepensjonen er ikkje til å leve av",
            "vi har to jobbar, og det går likevel ikkje rundt",
            "straumrekninga tok alt vi hadde spart",
            "det er dei som har minst, som merkar det mest",
        ],
        east: &[
            "alt er blitt så dyrt at'n ikke får endene til å møtes",
            "je snur på krona, og så er'a borte likevel",
            "det er vi som har minst, som må betale",
            "lønna rekker'kke halve måneden",
        ],
        north: &[
            "straumen e så dyr at vi sitt me ullsokka inne",
            "maten e blidd så dyr at det e heilt gale",
            "trygda strekk ikkje te",
            "æ har ikkje råd te å bli sjuk",
        ],
        en: &[
            "food is so expensive now",
            "we both work and still it is not enough",
            "I count every crown before I go to the shop",
            "the electricity bill took our holiday money",
            "wages do not follow prices any more",
        ],
    },
};

pub static COMMUNITY: DemoTopic = DemoTopic {
    nb: "Fellesskap og inkludering",
    weight: 4.0,
    skew: [1.0, 0.7, 1.6, 1.1],
    voices: Voices {
        nb: &[
            "jeg savner et sted der folk kan møtes uten å måtte kjøpe noe",
            "norskkurset har for lang venteliste",
            "mange her er ensomme, særlig de eldre",
            "vi burde ha en felles fest i gata, som før",
            "brev fra kommunen er umulige å forstå",
            "alle skal ha det likt her, uansett hvor de kommer fra",
            "jeg sender søknad etter søknad og blir aldri kalt inn",
            "frivilligsentralen holder hele nabolaget sammen",
            "ungene leker sammen, men foreldrene hilser ikke",
            "det er blitt færre steder der ulike folk treffes",
        ],
        nn: &[
            "eg saknar ein stad der folk kan møtast",
            "mange her er einsame",
            "norskkurset har altfor lang venteliste",
            "det burde vere lettare å bli kjend med naboane",
        ],
        east: &["folk hilser jo ikke på hverandre lenger", "det burde vært en plass å møtes", "je skjønner'kke halvparten av breva fra kommunen"],
        north: &[
            "det burde vært en plass å møtes",
            "folk sitt aleine og ingen spør ka dem treng",
            "alle her skal ha det likt, æ bryr mæ ikkje om kor dem e fra",
        ],
        en: &[
            "the Norwegian course has a long waiting list",
            "letters from the municipality are hard to understand",
            "I have sent a hundred applications and never got an interview",
            "there should be a place to meet that costs nothing",
            "I would like to know my neighbours better",
        ],
    },
};
