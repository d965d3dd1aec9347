//! From the kindergarten to the nursing home.

use super::{DemoTopic, Voices};

pub static SCHOOL: DemoTopic = DemoTopic {
    nb: "Skole",
    weight: 10.0,
    skew: [0.8, 1.3, 1.1, 1.1],
    voices: Voices {
        nb: &[
            "det er for mange elever i klassen",
            "læreren til datteren min sluttet midt i året",
            "skolebygget er så slitt at det trekker fra vinduene",
            "guttene på skolen henger etter, og ingen tar tak i det",
            "jeg vil ha mat på skolen for alle",
            "det er for mye prøver og for lite tid til lek",
            "skolen mistet assistentene sine da de kuttet",
            "leksene skaper bråk hjemme hver eneste kveld",
            "sønnen min får ikke den hjelpen han har krav på",
            "skolegården er bare asfalt og et ødelagt fotballmål",
            "lærerne er flinke, men de er for få",
            "skjermene har tatt over for bøkene",
        ],
        nn: &[
            "det er altfor mange elevar i klassen",
            "skulen treng fleire vaksne, ikkje fleire prøvar",
            "skulebygget er heilt nedslite",
            "dottera mi får ikkje den hjelpa ho treng",
            "ungane må få eit varmt måltid på skulen",
        ],
        east: &[
            "det er alt for få voksne på skolen",
            "guttungen sitter jo bare og venter på hjelp",
            "dem kutter og kutter, og så lurer dem på hvorfor det er bråk",
            "skolen er så slitt at det drypper fra taket",
        ],
        north: &[
            "ongan lære jo ingenting når læreran bytte heile tia",
            "det e for få folk på skolen, enkelt og greit",
            "skolen må ha penga te vikara",
            "ungan må få mat på skolen",
        ],
        en: &[
            "the classes are too big",
            "my son waits for help at school every day",
            "there should be a free meal at school",
            "the teachers are good, but there are too few of them",
            "the school building is falling apart",
        ],
    },
};

pub static KINDERGARTEN: DemoTopic = DemoTopic {
    nb: "Barnehage og AKS",
    weight: 6.0,
    skew: [0.9, 1.1, 1.0, 1.1],
    voices: Voices {
        nb: &[
            "barnehagen mangler folk nesten hver dag",
            "vi fikk plass i en barnehage på andre siden av bydelen",
            "AKS er blitt dyrere og dårligere",
            "det er vikarer hele uka, og minstemann kjenner ingen av dem",
            "barnehagen burde ikke være noe noen tjener penger på",
            "sommerstengt i fire uker går ikke opp for oss som jobber skift",
            "de ansatte i barnehagen er gull, men de blir utslitt",
            "ungene blir hentet grå i ansiktet fordi de har vært inne hele dagen",
            "det er ingen plass ledig før til høsten",
            "maten i barnehagen er kuttet til knekkebrød",
        ],
        nn: &[
            "barnehagen manglar folk nesten kvar dag",
            "AKS må vere gratis for alle",
            "det er nye vikarar kvar veke",
            "vi fekk barnehageplass i feil ende av bydelen",
        ],
        east: &[
            "det er nye fjes i barnehagen hver eneste uke",
            "vi må hente klokka tre, for da har dem'kke flere folk",
            "barnehagen stenger jo lenge før je er ferdig på jobb",
        ],
        north: &[
            "det e for få i barnehagen te å passe på ongan",
            "dem e snill i barnehagen, men dem e utslitt",
            "det går ikkje an å stenge en heil måned om sommarn",
        ],
        en: &[
            "the kindergarten closes early because they lack staff",
            "after-school care is too expensive for us",
            "we got a place on the other side of the district",
            "there is a new substitute every week",
        ],
    },
};

pub static ELDERLY: DemoTopic = DemoTopic {
    nb: "Eldreomsorg",
    weight: 7.0,
    skew: [0.6, 1.5, 1.0, 1.3],
    voices: Voices {
        nb: &[
            "hjemmehjelpen får ikke tid til å sette seg ned",
            "mor fikk nei til sykehjemsplass, enda hun ikke klarer seg alene",
            "det kommer en ny person hver dag, og jeg må forklare alt på nytt",
            "jeg er redd for å bli gammel i denne byen",
            "maten på sykehjemmet er blitt dårligere",
            "seniorsenteret er det viktigste stedet jeg har",
            "vi pårørende gjør jobben kommunen skulle gjort",
            "mannen min sitter inne hele dagen fordi ingen kan følge ham ut",
            "de som jobber i omsorgen må få hele stillinger",
            "det er ikke verdig å vente tre timer på å bli hjulpet på do",
            "trygghetsalarmen er god å ha, men det er ingen som rekker å komme",
        ],
        nn: &[
            "heimehjelpa har aldri tid",
            "dei gamle må få bu heime så lenge dei vil",
            "mor måtte vente eit halvt år på plass",
            "dei som arbeider i omsorga, fortener betre løn",
        ],
        east: &[
            "hjemmehjelpa er innom i fem minutter, og så er'a borte",
            "det er skammelig sånn gammelfolket har det",
            "mutter'n får'kke plass før'a har falt og brukket noe",
        ],
        north: &[
            "det e skammelig sånn gammelfolket har det",
            "ho som kjem, har ikkje tid te en kopp kaffe engang",
            "æ grua mæ te æ sjøl blir gammel",
        ],
        en: &[
            "my mother gets a new helper every day",
            "I worry about growing old here",
            "the helpers are kind, but they have no time",
            "we do what the municipality should do",
        ],
    },
};

pub static HEALTH: DemoTopic = DemoTopic {
    nb: "Helse og psykisk helse",
    weight: 7.0,
    skew: [1.2, 0.9, 1.0, 0.9],
    voices: Voices {
        nb: &[
            "det er umulig å få time hos fastlegen samme uke",
            "ungdommer må vente et halvt år på noen å snakke med",
            "sykehuset vårt må ikke legges ned",
            "tannlegen er så dyr at jeg lar være å gå",
            "helsestasjonen har åpent akkurat når jeg er på jobb",
            "det burde finnes et lavterskeltilbud i hver bydel",
            "jeg ble kasteball mellom tre kontorer",
            "legevakten er så full at folk går hjem igjen",
            "de som sliter, må banke på ti dører før noen åpner",
            "jordmora hadde ikke tid til hjemmebesøk",
        ],
        nn: &[
            "det er vanskeleg å få time hos fastlegen",
            "ungdom må vente for lenge på hjelp",
            "tannlegen er så dyr at eg let vere å gå",
            "sjukehuset må få vere i fred",
        ],
        east: &["det går'kke an å få legetime her", "ungdommen får'kke hjelp før det er for sent", "je tar'kke tannlegen, det er for dyrt"],
        north: &["ungdommen får ikkje hjelp før det e for seint", "æ har venta på time i tre måneda", "dem kan ikkje legge ned sykehuset"],
        en: &[
            "it takes weeks to see a doctor",
            "the dentist is too expensive",
            "young people wait months for someone to talk to",
            "the emergency clinic is always full",
        ],
    },
};

pub static YOUTH: DemoTopic = DemoTopic {
    nb: "Fritid, ungdom og idrett",
    weight: 6.0,
    skew: [0.7, 1.0, 1.6, 1.3],
    voices: Voices {
        nb: &[
            "fritidsklubben har åpent bare to dager i uka",
            "fotballen er blitt for dyr for oss med tre barn",
            "det er ingen steder å være for dem mellom ti og femten",
            "svømmehallen har vært stengt i årevis",
            "ungdommen må få sommerjobb, så ordner mye seg",
            "det er ingen ting for jenter her",
            "idrettshallen er full fra morgen til kveld, og vi står i kø",
            "klubben holdt ungene unna dumheter, og så ble den kuttet",
            "utstyret koster mer enn kontingenten",
            "kunstgresset er så slitt at ungene skrubber seg opp",
        ],
        nn: &[
            "fritidsklubben må ha ope kvar dag",
            "det er ingen stader å vere for ungdomen",
            "fotballen er vorten altfor dyr",
            "symjehallen har vore stengd i årevis",
        ],
        east: &[
            "det er jo stengt på klubben hver gang",
            "onga henger på senteret, for det er'kke noe annet å gjøre",
            "dem må få seg en ordentlig hall her",
        ],
        north: &["ongan har ingen plass å være om kvelden", "det e for dyrt å sende tre onga på trening", "klubben må få ha åpent"],
        en: &[
            "teenagers have nowhere to go in the evening",
            "sports are too expensive with three children",
            "the youth club is closed most of the week",
            "the swimming hall has been closed for years",
        ],
    },
};
