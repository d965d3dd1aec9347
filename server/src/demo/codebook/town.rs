//! Outside: buses and bicycles, parks, rubbish, dark corners, and what happens of an evening.

use super::{DemoTopic, Voices};

pub static TRANSPORT: DemoTopic = DemoTopic {
    nb: "Kollektivtrafikk",
    weight: 9.0,
    skew: [0.6, 1.0, 1.2, 1.8],
    voices: Voices {
        nb: &[
            "bussen er full når den kommer hit",
            "det går for sjelden buss på kvelden",
            "månedskortet er for dyrt for en familie",
            "de la ned holdeplassen min, og nå må jeg gå opp hele bakken",
            "T-banen står mer enn den går",
            "billettene burde være gratis for alle under atten",
            "jeg må bytte to ganger for å komme til sykehuset",
            "det går ingen buss på tvers, alt skal innom sentrum",
            "rulletrappa har stått i et halvt år",
            "trikken er fin, men den går bare halve veien hit",
            "den siste bussen går før kveldsvakta er slutt",
        ],
        nn: &[
            "bussen går altfor sjeldan om kvelden",
            "det kostar for mykje å reise kollektivt",
            "dei la ned haldeplassen vår",
            "bussen er full før han kjem hit",
        ],
        east: &["bussen kommer jo aldri når'n skal", "det er'kke plass til barnevogna på banen", "je står og fryser mens tre busser går forbi"],
        north: &["æ må stå heile veien te jobb", "det går jo ikkje buss her etter klokka ti", "månedskortet e blidd så dyrt at det e rein galskap"],
        en: &[
            "the bus is always full in the morning",
            "a monthly ticket is too expensive",
            "there is no bus late in the evening",
            "I have to change twice to get to work",
            "the lift at the station has been broken since spring",
        ],
    },
};

pub static TRAFFIC: DemoTopic = DemoTopic {
    nb: "Trafikk og trygge skoleveier",
    weight: 7.0,
    skew: [0.9, 1.7, 0.9, 1.1],
    voices: Voices {
        nb: &[
            "bilene kjører altfor fort forbi skolen",
            "det mangler fotgjengerfelt der ungene krysser",
            "snøen blir liggende på fortauet, så vi må gå i veien",
            "varebilene bruker gata vår som snarvei",
            "sykkelveien stopper midt i krysset",
            "gatelyset har vært borte siden i høst",
            "jeg savner parkering for oss som må ha bil",
            "sparkesyklene ligger strødd, og jeg ser dårlig",
            "det er bare et tidsspørsmål før noen blir påkjørt",
            "støyen fra veien holder oss våkne om natta",
            "rullatoren min kommer ikke over fortauskanten",
        ],
        nn: &[
            "bilane køyrer for fort forbi skulen",
            "det er ikkje trygt å sykle her",
            "snøen blir liggjande på fortauet",
            "ungane må krysse ein veg utan gangfelt",
        ],
        east: &["folk kjører som gærne her nede", "dem måker aldri fortauet her", "det er'kke fartsdumper en gang forbi barnehagen"],
        north: &["dem måke aldri fortauet her", "bilan kjøre som galne forbi skolen", "æ tør ikkje sende ongan aleine te skolen"],
        en: &[
            "cars drive too fast past the school",
            "the pavement is icy all winter",
            "the bicycle lane ends in the middle of nowhere",
            "my children have to cross a road without a crossing",
        ],
    },
};

pub static PARKS: DemoTopic = DemoTopic {
    nb: "Parker og grøntområder",
    weight: 6.0,
    skew: [1.1, 1.2, 0.9, 1.3],
    voices: Voices {
        nb: &[
            "de vil bygge på den siste grønne flekken her",
            "lekeplassen er stengt fordi stativet er råttent",
            "det mangler benker for oss som trenger å hvile",
            "parken er fin, men det er ikke et toalett i hele bydelen",
            "marka må få være i fred",
            "hundene trenger et sted å løpe",
            "trærne i gata ble hogd uten at noen fikk vite det",
            "det er skygge bare der det står biler",
            "parsellhagene har ti års ventetid",
            "bekken burde åpnes igjen",
        ],
        nn: &[
            "dei vil byggje ned den siste grøne flekken",
            "leikeplassen er stengd",
            "det manglar benkar for oss som treng å kvile",
            "marka må få vere i fred",
        ],
        east: &["dem bygger jo på hver eneste løkke", "lekeplassen er jo helt ødelagt", "je vil ha en benk å sitte på, er det for mye å be om"],
        north: &["vi må få ha den lille skogen i fred", "dem hogge trean uten å spørre nån", "det e ingen plass for ongan å leke"],
        en: &[
            "the little forest must stay",
            "the playground has been closed since spring",
            "there is no bench where old people can rest",
            "we need more trees and less asphalt",
        ],
    },
};

pub static WASTE: DemoTopic = DemoTopic {
    nb: "Søppel og renhold",
    weight: 6.0,
    skew: [1.6, 0.6, 1.1, 0.8],
    voices: Voices {
        nb: &[
            "søpla flyter ved returpunktet",
            "det er rotter i bakgården",
            "ingen henter de gamle møblene som står ute",
            "gatene feies bare når det nærmer seg valg",
            "vi må ha flere søppelbøtter ved holdeplassen",
            "glass og metall må vi bære altfor langt",
            "folk setter fra seg poser ved siden av kassene",
            "grusen ligger igjen til langt ut i mai",
            "det lukter fra søppelrommet hele sommeren",
            "måkene har revet opp alt før bilen kommer",
        ],
        nn: &["søpla flyt ved returpunktet", "det er rotter i bakgarden", "ingen hentar dei gamle møblane", "det må bli fleire søppelbøtter"],
        east: &["det flyter av søppel rundt her", "rottene er større enn katta mi", "dem tømmer'kke før det renner over"],
        north: &["det e rotta i bakgårn", "dem tømme ikkje dunkan før det flyt over", "folk hiv søpla rett på bakken"],
        en: &[
            "there is rubbish everywhere by the containers",
            "we have seen rats in the yard",
            "nobody collects the old furniture in the street",
            "the gravel from winter is still there in summer",
        ],
    },
};

pub static SAFETY: DemoTopic = DemoTopic {
    nb: "Trygghet i nabolaget",
    weight: 7.0,
    skew: [1.1, 0.5, 1.6, 1.1],
    voices: Voices {
        nb: &[
            "jeg går ikke gjennom undergangen etter at det er blitt mørkt",
            "det selges stoff ved inngangen til T-banen",
            "vi trenger utekontakter som kjenner ungdommene",
            "politiet er her bare når noe har skjedd",
            "det er hyggelig her, avisene skriver bare om det gale",
            "naboene kjenner hverandre, og det gjør meg trygg",
            "belysningen på turveien har vært ødelagt i hele vinter",
            "datteren min tar omveien hjem for å slippe torget",
            "det hjelper ikke med flere kameraer, det hjelper med flere voksne",
            "det er blitt roligere etter at klubben åpnet igjen",
        ],
        nn: &[
            "eg går ikkje gjennom undergangen når det er mørkt",
            "det er trygt her, uansett kva avisene skriv",
            "vi treng fleire vaksne ute om kvelden",
            "lyset på turvegen har vore borte i heile vinter",
        ],
        east: &[
            "det er'kke så gærnt her som dem skal ha det til",
            "je går'kke ut aleine etter ni",
            "onga våres får skylda for alt som skjer",
            "dem selger jo rett utafor butikken",
        ],
        north: &[
            "æ tørs ikkje gå ute aleine om kvelden",
            "det e trygt her, dem i avisa veit ikkje ka dem skriv om",
            "vi treng folk ute som kjenne ongdommen",
        ],
        en: &[
            "I do not feel safe at the station at night",
            "it is a good neighbourhood, whatever the papers say",
            "the lights on the path have been out all winter",
            "more adults outside would help more than cameras",
        ],
    },
};

pub static CULTURE: DemoTopic = DemoTopic {
    nb: "Kultur og bibliotek",
    weight: 3.0,
    skew: [1.4, 1.0, 0.8, 0.8],
    voices: Voices {
        nb: &[
            "biblioteket er det beste vi har, rør det ikke",
            "biblioteket burde ha åpent i helgene",
            "koret vårt finner ikke et sted å øve",
            "det skjer ingenting her for voksne på kveldstid",
            "kulturskolen har for lang venteliste",
            "alt av kultur ligger i sentrum",
            "scenen på skolen står tom hver kveld",
            "museene burde være gratis for barnefamilier",
        ],
        nn: &[
            "biblioteket er det beste vi har",
            "kulturskulen har for lang venteliste",
            "koret vårt finn ingen stad å øve",
            "det skjer ingenting her om kvelden",
        ],
        east: &["det skjer jo ingenting her ute", "biblioteket må dem la være i fred", "alt moro er jo i sentrum"],
        north: &["biblioteket må dem la være i fred", "det skjer jo ingenting her om kvelden", "koret mangle en plass å øve"],
        en: &[
            "the library is the best thing here",
            "there are no concerts outside the centre",
            "my daughter has waited two years for music school",
            "our choir has nowhere to practise",
        ],
    },
};
