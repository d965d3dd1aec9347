//! What people say in the demo about each topic of the built-in codebook.

/// What is said about a topic: clauses that begin small, so that something may come before them.
#[derive(Debug)]
pub struct Voices {
    /// In bokmål.
    pub nb: &'static [&'static str],
    /// In nynorsk.
    pub nn: &'static [&'static str],
    /// In dialect.
    pub dialect: &'static [&'static str],
    /// In English.
    pub en: &'static [&'static str],
}

/// A topic of the demo.
#[derive(Debug)]
pub struct DemoTopic {
    /// Its name in bokmål, as in the codebook.
    pub nb: &'static str,
    /// How often it comes up, against the others.
    pub weight: f64,
    /// What is said.
    pub voices: Voices,
}

/// In the order of the codebook.
pub static TOPICS: [DemoTopic; 15] = [
    DemoTopic {
        nb: "Bolig og husleie",
        weight: 16.0,
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
            ],
            nn: &["husleiga aukar kvart einaste år", "dei unge har ikkje sjanse på bustadmarknaden", "kommunen bør eige fleire utleigebustader"],
            dialect: &[
                "det e jo helt håpløst å få sæ leilighet her",
                "leia spiser opp alt vi tjener, det er'kke til å leve med",
                "onga våres må flytte ut av byen",
            ],
            en: &[
                "the rent takes more than half of what I earn",
                "we cannot find a bigger flat that we can pay for",
                "the landlord never repairs anything",
            ],
        },
    },
    DemoTopic {
        nb: "Skole",
        weight: 11.0,
        voices: Voices {
            nb: &[
                "det er for mange elever i klassen",
                "læreren til datteren min har sluttet midt i året",
                "skolebygget er så slitt at det trekker fra vinduene",
                "guttene på skolen henger etter, og ingen tar tak i det",
                "jeg vil ha mat på skolen for alle",
                "det er for mye prøver og for lite tid til lek",
                "skolen mistet assistentene sine da de kuttet",
                "leksene skaper bråk hjemme hver eneste kveld",
            ],
            nn: &["det er altfor mange elevar i klassen", "skulen treng fleire vaksne, ikkje fleire prøvar", "skulebygget er heilt nedslite"],
            dialect: &["det er alt for få voksne på skolen", "ongan lære jo ingenting når læreran bytte heile tia"],
            en: &["the classes are too big", "my son waits for help at school every day", "there should be a free meal at school"],
        },
    },
    DemoTopic {
        nb: "Barnehage og AKS",
        weight: 6.0,
        voices: Voices {
            nb: &[
                "barnehagen mangler folk nesten hver dag",
                "vi fikk plass i en barnehage på andre siden av bydelen",
                "AKS er blitt dyrere og dårligere",
                "det er vikarer hele uka, og minstemann kjenner ingen av dem",
                "barnehagen burde ikke være noe noen tjener penger på",
                "sommerstengt i fire uker går ikke opp for oss som jobber skift",
            ],
            nn: &["barnehagen manglar folk nesten kvar dag", "AKS må vere gratis for alle"],
            dialect: &["det er nye fjes i barnehagen hver eneste uke", "det e for få i barnehagen te å passe på ongan"],
            en: &["the kindergarten closes early because they lack staff", "after-school care is too expensive for us"],
        },
    },
    DemoTopic {
        nb: "Kollektivtrafikk",
        weight: 10.0,
        voices: Voices {
            nb: &[
                "bussen er full når den kommer hit",
                "det går for sjelden buss på kvelden",
                "månedskortet er for dyrt for en familie",
                "de la ned holdeplassen min, og nå må jeg gå opp hele bakken",
                "T-banen står mer enn den går",
                "billettene burde være gratis for alle under atten",
                "jeg må bytte to ganger for å komme til sykehuset",
            ],
            nn: &["bussen går altfor sjeldan om kvelden", "det kostar for mykje å reise kollektivt"],
            dialect: &["bussen kommer jo aldri når'n skal", "æ må stå heile veien te jobb"],
            en: &["the bus is always full in the morning", "a monthly ticket is too expensive", "there is no bus late in the evening"],
        },
    },
    DemoTopic {
        nb: "Trafikk og trygge skoleveier",
        weight: 7.0,
        voices: Voices {
            nb: &[
                "bilene kjører altfor fort forbi skolen",
                "det mangler fotgjengerfelt der ungene krysser",
                "snøen blir liggende på fortauet, så vi må gå i veien",
                "varebilene bruker gata vår som snarvei",
                "sykkelveien stopper midt i krysset",
                "gatelyset har vært borte siden i høst",
                "jeg savner parkering for oss som må ha bil",
            ],
            nn: &["bilane køyrer for fort forbi skulen", "det er ikkje trygt å sykle her"],
            dialect: &["folk kjører som gærne her nede", "dem måke aldri fortauet her"],
            en: &["cars drive too fast past the school", "the pavement is icy all winter"],
        },
    },
    DemoTopic {
        nb: "Eldreomsorg",
        weight: 8.0,
        voices: Voices {
            nb: &[
                "hjemmehjelpen får ikke tid til å sette seg ned",
                "mor fikk nei til sykehjemsplass, enda hun ikke klarer seg alene",
                "det kommer en ny person hver dag, og jeg må forklare alt på nytt",
                "jeg er redd for å bli gammel i denne byen",
                "maten på sykehjemmet er blitt dårligere",
                "seniorsenteret er det viktigste stedet jeg har",
                "vi pårørende gjør jobben kommunen skulle gjort",
            ],
            nn: &["heimehjelpa har aldri tid", "dei gamle må få bu heime så lenge dei vil"],
            dialect: &["hjemmehjelpa er innom i fem minutter, og så er'a borte", "det e skammelig sånn gammelfolket har det"],
            en: &["my mother gets a new helper every day", "I worry about growing old here"],
        },
    },
    DemoTopic {
        nb: "Helse og psykisk helse",
        weight: 7.0,
        voices: Voices {
            nb: &[
                "det er umulig å få time hos fastlegen samme uke",
                "ungdommer må vente et halvt år på noen å snakke med",
                "sykehuset vårt må ikke legges ned",
                "tannlegen er så dyr at jeg lar være å gå",
                "helsestasjonen har åpent akkurat når jeg er på jobb",
                "det burde finnes et lavterskeltilbud i hver bydel",
            ],
            nn: &["det er vanskeleg å få time hos fastlegen", "ungdom må vente for lenge på hjelp"],
            dialect: &["det går'kke an å få legetime her", "ungdommen får ikkje hjelp før det e for seint"],
            en: &["it takes weeks to see a doctor", "the dentist is too expensive"],
        },
    },
    DemoTopic {
        nb: "Klima og miljø",
        weight: 6.0,
        voices: Voices {
            nb: &[
                "det snakkes mye om klima, men gjøres lite",
                "borettslaget får ikke støtte til solceller",
                "luften er dårlig når det er kaldt",
                "det blir oversvømmelse i kjelleren hver gang det regner kraftig",
                "strømmen må bli billigere for dem som sparer",
                "jeg vil at barnebarna mine skal ha det like godt som jeg",
            ],
            nn: &["det blir snakka mykje om klima, men gjort lite", "lufta er dårleg om vinteren"],
            dialect: &["det regner jo inn i kjelleren hver gang nå", "dem snakke og snakke om klima"],
            en: &["the air is bad in winter", "we should do more for the climate, faster"],
        },
    },
    DemoTopic {
        nb: "Parker og grøntområder",
        weight: 6.0,
        voices: Voices {
            nb: &[
                "de vil bygge på den siste grønne flekken her",
                "lekeplassen er stengt fordi stativet er råttent",
                "det mangler benker for oss som trenger å hvile",
                "parken er fin, men det er ikke et toalett i hele bydelen",
                "la marka være i fred",
                "hundene trenger et sted å løpe",
            ],
            nn: &["dei vil byggje ned den siste grøne flekken", "leikeplassen er stengd"],
            dialect: &["dem bygger jo på hver eneste løkke", "la oss få ha den lille skogen i fred"],
            en: &["please keep the little forest", "the playground has been closed since spring"],
        },
    },
    DemoTopic {
        nb: "Søppel og renhold",
        weight: 6.0,
        voices: Voices {
            nb: &[
                "søpla flyter ved returpunktet",
                "det er rotter i bakgården",
                "ingen henter de gamle møblene som står ute",
                "gatene feies bare når det nærmer seg valg",
                "vi må ha flere søppelbøtter ved holdeplassen",
                "glass og metall må vi bære altfor langt",
            ],
            nn: &["søpla flyt ved returpunktet", "det er rotter i bakgarden"],
            dialect: &["det flyter av søppel rundt her", "det e rotta i bakgårn"],
            en: &["there is rubbish everywhere by the containers", "we have seen rats in the yard"],
        },
    },
    DemoTopic {
        nb: "Trygghet i nabolaget",
        weight: 7.0,
        voices: Voices {
            nb: &[
                "jeg går ikke gjennom undergangen etter at det er blitt mørkt",
                "det selges stoff ved inngangen til T-banen",
                "vi trenger utekontakter som kjenner ungdommene",
                "politiet er her bare når noe har skjedd",
                "det er hyggelig her, avisene skriver bare om det gale",
                "naboene kjenner hverandre, og det gjør meg trygg",
            ],
            nn: &["eg går ikkje gjennom undergangen når det er mørkt", "det er trygt her, uansett kva avisene skriv"],
            dialect: &["æ tørs ikkje gå ute aleine om kvelden", "det er'kke så gærnt her som dem skal ha det til"],
            en: &["I do not feel safe at the station at night", "it is a good neighbourhood, whatever the papers say"],
        },
    },
    DemoTopic {
        nb: "Priser og privatøkonomi",
        weight: 10.0,
        voices: Voices {
            nb: &[
                "maten er blitt så dyr at jeg regner på alt",
                "vi har to jobber og får det likevel ikke til å gå opp",
                "strømregningen tok hele feriepengene",
                "minstepensjonen er ikke til å leve av",
                "det er dyrt å være fattig",
                "sosialhjelpen trekkes når ungene får barnetrygd",
                "de rike betaler for lite skatt",
            ],
            nn: &["maten er vorten altfor dyr", "minstepensjonen er ikkje til å leve av"],
            dialect: &["alt er blitt så dyrt at'n ikke får endene til å møtes", "straumen e så dyr at vi sitt me ullsokka inne"],
            en: &["food is so expensive now", "we both work and still it is not enough"],
        },
    },
    DemoTopic {
        nb: "Fritid, ungdom og idrett",
        weight: 6.0,
        voices: Voices {
            nb: &[
                "fritidsklubben har åpent bare to dager i uka",
                "fotballen er blitt for dyr for oss med tre barn",
                "det er ingen steder å være for dem mellom ti og femten",
                "svømmehallen har vært stengt i årevis",
                "gi ungdommen sommerjobb, så ordner mye seg",
                "det er ingen ting for jenter her",
            ],
            nn: &["fritidsklubben må ha ope kvar dag", "det er ingen stader å vere for ungdomen"],
            dialect: &["ongan har ingen plass å være om kvelden", "det er jo stengt på klubben hver gang"],
            en: &["teenagers have nowhere to go in the evening", "sports are too expensive with three children"],
        },
    },
    DemoTopic {
        nb: "Kultur og bibliotek",
        weight: 3.0,
        voices: Voices {
            nb: &[
                "biblioteket er det beste vi har, rør det ikke",
                "biblioteket burde ha åpent i helgene",
                "koret vårt finner ikke et sted å øve",
                "det skjer ingenting her for voksne på kveldstid",
                "kulturskolen har for lang venteliste",
                "alt av kultur ligger i sentrum",
            ],
            nn: &["biblioteket er det beste vi har", "kulturskulen har for lang venteliste"],
            dialect: &["det skjer jo ingenting her ute", "biblioteket må dem la være i fred"],
            en: &["the library is the best thing here", "there are no concerts outside the centre"],
        },
    },
    DemoTopic {
        nb: "Fellesskap og inkludering",
        weight: 4.0,
        voices: Voices {
            nb: &[
                "jeg savner et sted der folk kan møtes uten å måtte kjøpe noe",
                "norskkurset har for lang venteliste",
                "mange her er ensomme, særlig de eldre",
                "vi burde ha en felles fest i gata, som før",
                "brev fra kommunen er umulige å forstå",
                "alle skal ha det likt her, uansett hvor de kommer fra",
            ],
            nn: &["eg saknar ein stad der folk kan møtast", "mange her er einsame"],
            dialect: &["folk hilser jo ikke på hverandre lenger", "det burde vært en plass å møtes"],
            en: &["the Norwegian course has a long waiting list", "letters from the municipality are hard to understand"],
        },
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_topic_of_the_codebook_is_spoken_of() {
        let names: Vec<String> = crate::round::default_codebook().expect("it reads").into_iter().map(|row| row.nb).collect();
        assert_eq!(names, TOPICS.iter().map(|topic| topic.nb).collect::<Vec<_>>());
    }
}
