"""National numbers of persons (and of taxpayers who may be persons), each with the check of its country.

A number with one check digit and no shape of its own is found only where words say so: one in ten numbers of its length would pass. One
with a telling shape, or whose check leaves next to no chance, is found without, with the score that it deserves.
"""

from collections.abc import Callable
from typing import NamedTuple

from fairlead.detectors.checks import digits_of, stdnum_check, weighted, whole
from fairlead.detectors.edges import alone
from fairlead.detectors.model import Context, Pattern, Validator

_ANY = r"national (?:id|identity|identification|insurance)(?: ?(?:no|number|card))?|(?:id|identity) (?:card|number|no)|tax(?:payer)? ?(?:id|no|number)|personal (?:id|code|number)"  # noqa: E501 - words and formats as they are written
_NO_WORDS = r"order|invoice|ticket|part|serial|sku|isbn|version|build|model|case|tracking|phone|tel|call|mobile"
_SHORT_DATE = r"(?:0[1-9]|[12][0-9]|3[01])(?:0[1-9]|1[0-2])[0-9]{2}"
"""Day, month, year of two digits."""
_REVERSED = r"[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"
"""Year of two digits, month, day."""


class _Number(NamedTuple):
    """One kind of number."""

    name: str
    locale: str
    expression: str
    checksum: str
    check: "Validator | str"
    """A module of python-stdnum, or a validator of ours."""
    words: str
    example: str
    score: float = 0.0
    """Without any words."""
    source: str = ""


def snils_holds(text: str) -> bool:
    """Tell whether eleven digits are a Russian insurance number (decree of the Pension Fund 192p)."""
    digits = digits_of(text)
    total = sum(int(digit) * weight for digit, weight in zip(digits[:9], range(9, 0, -1), strict=True)) % 101 % 100
    return total == int(digits[9:])


def taiwan_holds(text: str) -> bool:
    """Tell whether a letter and nine digits are a Taiwanese identity card (the letter counts as two digits)."""
    letter = 10 + "ABCDEFGHJKLMNPQRSTUVXYWZIO".index(text[0])
    digits = [letter // 10, letter % 10, *map(int, text[1:])]
    return sum(digit * weight for digit, weight in zip(digits, (1, 9, 8, 7, 6, 5, 4, 3, 2, 1, 1), strict=True)) % 10 == 0


def hong_kong_holds(text: str) -> bool:
    """Tell whether one or two letters, six digits and a bracketed one are a Hong Kong identity card."""
    body = "".join(character for character in text if character.isalnum())
    values = [36] * (9 - len(body)) + [int(character, 36) for character in body[:-1]]
    check = 10 if body[-1] == "A" else int(body[-1])
    return (sum(value * weight for value, weight in zip(values, range(9, 1, -1), strict=True)) + check) % 11 == 0


def singapore_holds(text: str) -> bool:
    """Tell whether a letter, seven digits and a letter are a Singaporean identity number."""
    total = sum(int(digit) * weight for digit, weight in zip(text[1:8], (2, 7, 6, 5, 4, 3, 2), strict=True))
    shift = {"S": 0, "T": 4, "F": 0, "G": 4, "M": 3}[text[0]]
    letters = {"S": "JZIHGFEDCBA", "T": "JZIHGFEDCBA", "F": "XWUTRQPNMLK", "G": "XWUTRQPNMLK", "M": "KLJNPQRTUWX"}[text[0]]
    place = (total + shift) % 11
    return letters[10 - place if text[0] == "M" else place] == text[8]


def _numbers_of(*names: str) -> Callable[[str], bool]:
    checks = [stdnum_check(name) for name in names]
    return lambda text: any(check(text) for check in checks)


_BANNED_NINO = frozenset({"BG", "GB", "NK", "KN", "TN", "NT", "ZZ"})

NUMBERS: tuple[_Number, ...] = (
    # Europe
    _Number(
        "at_social_security",
        "AT",
        rf"[0-9]{{4}} ?{_SHORT_DATE}",
        "weights modulo 11",
        "at.vnr",
        r"svnr|sozialversicherungsnummer|sv-nummer",
        "6256120580",
    ),
    _Number(
        "be_national_number",
        "BE",
        rf"{_REVERSED}[0-9]{{5}}",
        "modulo 97",
        "be.nn",
        r"rijksregister(?:nummer)?|registre national|nrn|insz|niss",
        "85073100031",
    ),
    _Number(
        "be_national_number",
        "BE",
        r"[0-9]{2}\.[0-9]{2}\.[0-9]{2}-[0-9]{3}\.[0-9]{2}",
        "modulo 97",
        "be.nn",
        r"rijksregister(?:nummer)?|registre national|nrn",
        "85.07.32-791.83",
        0.95,
    ),
    _Number("bg_egn", "BG", r"[0-9]{10}", "weights modulo 11, date", "bg.egn", r"egn|егн|единен граждански номер", "7523165967"),
    _Number(
        "ch_ahv",
        "CH",
        r"756\.?[0-9]{4}\.?[0-9]{4}\.?[0-9]{2}",
        "EAN-13",
        "ch.ssn",
        r"ahv(?:-?nr|-?nummer)?|avs|sozialversicherungsnummer",
        "756.0603.6948.68",
        0.95,
    ),
    _Number(
        "cz_birth_number",
        "CZ, SK",
        r"[0-9]{2}[0-35-8][0-9][0-3][0-9]/[0-9]{3,4}",
        "modulo 11, date",
        whole(_numbers_of("cz.rc", "sk.rc")),
        r"rodn. ..slo|r\.?.\.?",
        "710319/4670",
        0.9,
        "Czech Act 133/2000 on the register of inhabitants; Slovak Act 301/1995 on birth numbers",
    ),
    _Number(
        "de_tax_id",
        "DE",
        r"[1-9][0-9](?: ?[0-9]{3}){3}",
        "ISO 7064 mod 11-10",
        "de.idnr",
        r"steuer-?(?:id|identifikationsnummer|nummer)|idnr|tin",
        "12 419 038 763",
    ),
    _Number("dk_cpr", "DK", rf"{_SHORT_DATE}-?[0-9]{{4}}", "date", "dk.cpr", r"cpr(?:-?(?:nr|nummer))?|personnummer", "211062-1171"),
    _Number("ee_isikukood", "EE", r"[1-8][0-9]{10}", "weights modulo 11, date", "ee.ik", r"isikukood", "37605037681"),
    _Number(
        "es_dni",
        "ES",
        r"[0-9]{8}-?[A-HJ-NP-TV-Z]",
        "letter modulo 23",
        "es.dni",
        r"dni|nif|documento nacional(?: de identidad)?",
        "97739096K",
        0.6,
    ),
    _Number("es_nie", "ES", r"[XYZ]-?[0-9]{7}-?[A-HJ-NP-TV-Z]", "letter modulo 23", "es.nie", r"nie|nif|extranjero", "X8518953Y", 0.8),
    _Number(
        "fi_hetu",
        "FI",
        rf"{_SHORT_DATE}[-+A-FU-Y][0-9]{{3}}[0-9A-FHJ-NPR-Y]",
        "character modulo 31, date",
        "fi.hetu",
        r"henkil.tunnus|hetu|personbeteckning",
        "131052-182R",
        0.95,
    ),
    _Number(
        "fr_nir",
        "FR",
        r"[1-478] ?[0-9]{2} ?[0-9]{2} ?[0-9][0-9AB] ?[0-9]{3} ?[0-9]{3} ?[0-9]{2}",
        "modulo 97",
        "fr.nir",
        r"nir|s.curit. sociale|num.ro de s.cu|insee",
        "2 95 05 75 214 005 67",
        0.85,
    ),
    _Number(
        "gb_nino",
        "GB",
        r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[A-D]",
        "prefixes never given",
        whole(lambda text: text[:2] not in _BANNED_NINO),
        r"nino|ni (?:no|number)|national insurance(?: number)?",
        "AB 12 34 56 C",
        0.8,
        "HMRC National Insurance Manual, NIM39110",
    ),
    _Number(
        "gb_nhs", "GB", r"[0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{4}", "weights modulo 11", "gb.nhs", r"nhs(?: ?(?:no|number|#))?", "036 094 0188"
    ),
    _Number("gb_utr", "GB", r"[0-9]{5} ?[0-9]{5}", "weights modulo 11", "gb.utr", r"utr|unique taxpayer reference", "7835174395"),
    _Number("gr_amka", "GR", rf"{_SHORT_DATE}[0-9]{{5}}", "Luhn, date", "gr.amka", r"amka|αμκα", "01013082100"),
    _Number("hr_oib", "HR", r"[0-9]{11}", "ISO 7064 mod 11-10", "hr.oib", r"oib|osobni identifikacijski broj", "04450911891"),
    _Number("ie_pps", "IE", r"[0-9]{7}[A-W][ABWTXZ]?", "letter modulo 23", "ie.pps", r"ppsn?|personal public service", "7809413GA", 0.6),
    _Number(
        "is_kennitala", "IS", rf"{_SHORT_DATE}-?[0-9]{{4}}", "weights modulo 11, date", "is_.kennitala", r"kennitala|kt", "120174-9599"
    ),
    _Number(
        "it_codice_fiscale",
        "IT",
        r"[A-Z]{6}[0-9LMNP-V]{2}[ABCDEHLMPRST][0-9LMNP-V]{2}[A-Z][0-9LMNP-V]{3}[A-Z]",
        "letter of odd and even values",
        "it.codicefiscale",
        r"codice fiscale|c\.?f\.?",
        "RCCMNV83S18D969R",
        1.0,
    ),
    _Number("lt_asmens_kodas", "LT", r"[1-8][0-9]{10}", "weights modulo 11, date", "lt.asmens", r"asmens kodas|a\.?k\.?", "33309196048"),
    _Number("lv_personas_kods", "LV", rf"{_SHORT_DATE}-[0-9]{{5}}", "weights modulo 11", "lv.pvn", r"personas kods", "161175-22926", 0.6),
    _Number("md_idnp", "MD", r"[0-9]{13}", "weights 7, 3, 1 modulo 10", "md.idno", r"idnp|cod personal", "6679567026657"),
    _Number(
        "nl_bsn",
        "NL",
        r"[0-9]{4}[. ]?[0-9]{2}[. ]?[0-9]{3}|[0-9]{9}",
        "elfproef",
        "nl.bsn",
        r"bsn|burgerservicenummer|sofi(?:-?nummer)?",
        "781870598",
    ),
    _Number(
        "no_fodselsnummer",
        "NO",
        rf"{_SHORT_DATE} ?[0-9]{{5}}",
        "two digits modulo 11, date",
        "no.fodselsnummer",
        r"f.dselsnummer|personnummer|fnr",
        "151086 52737",
        0.7,
    ),
    _Number("pl_pesel", "PL", r"[0-9]{11}", "weights modulo 10, date", "pl.pesel", r"pesel", "44051473352"),
    _Number("pl_nip", "PL", r"[0-9]{3}-?[0-9]{3}-?[0-9]{2}-?[0-9]{2}", "weights modulo 11", "pl.nip", r"nip", "2917619189"),
    _Number("pt_nif", "PT", r"[1-35689][0-9]{2} ?[0-9]{3} ?[0-9]{3}", "weights modulo 11", "pt.nif", r"nif|contribuinte", "264139593"),
    _Number(
        "pt_cartao_cidadao",
        "PT",
        r"[0-9]{8} ?[0-9] ?[A-Z0-9]{2}[0-9]",
        "Luhn over letters and digits",
        "pt.cc",
        r"cart.o de cidad.o|cc|bilhete de identidade",
        "61525666 1ZZ9",
    ),
    _Number("ro_cnp", "RO", r"[1-9][0-9]{12}", "weights modulo 11, date", "ro.cnp", r"cnp|cod numeric personal", "1630615123115"),
    _Number(
        "ru_snils",
        "RU",
        r"[0-9]{3}-[0-9]{3}-[0-9]{3} [0-9]{2}",
        "weights modulo 101",
        whole(snils_holds),
        r"снилс|snils",
        "112-233-445 95",
        0.9,
        "decree of the Pension Fund of Russia 192p",
    ),
    _Number("ru_inn", "RU", r"[0-9]{12}", "two digits modulo 11", "ru.inn", r"инн|inn", "499669139375"),
    _Number(
        "se_personnummer",
        "SE",
        rf"(?:19|20)?{_REVERSED}[-+][0-9]{{4}}",
        "Luhn, date",
        "se.personnummer",
        r"personnummer|pnr",
        "880320-4034",
        0.9,
    ),
    _Number(
        "se_personnummer", "SE", rf"(?:(?:19|20)?{_REVERSED})[0-9]{{4}}", "Luhn, date", "se.personnummer", r"personnummer|pnr", "8803204034"
    ),
    _Number(
        "si_emso",
        "SI, HR, RS, BA, MK, ME",
        r"[0-9]{13}",
        "weights modulo 11, date",
        "si.emso",
        r"em.o|jmbg|матични број",  # noqa: RUF001 - Serbian
        "0101006500154",
    ),
    _Number(
        "tr_tckn",
        "TR",
        r"[1-9][0-9]{10}",
        "two digits modulo 10",
        "tr.tckimlik",
        r"t\.?c\.? ?kimlik(?: ?(?:no|numaras.))?|tckn|kimlik",
        "18172047594",
    ),
    _Number("ua_rntrc", "UA", r"[0-9]{10}", "weights modulo 11", "ua.rntrc", r"рнокпп|rnokpp|іпн", "1787370383"),
    # Americas
    _Number("ar_cuit", "AR", r"(?:20|2[347]|3[034])-[0-9]{8}-[0-9]", "weights modulo 11", "ar.cuit", r"cuit|cuil", "20-86123459-3", 0.9),
    _Number("br_cpf", "BR", r"[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}", "two digits modulo 11", "br.cpf", r"cpf", "113.586.606-62", 1.0),
    _Number("br_cpf", "BR", r"[0-9]{11}", "two digits modulo 11", "br.cpf", r"cpf|cadastro de pessoas f.sicas", "11358660662"),
    _Number(
        "br_cnpj",
        "BR",
        r"[0-9]{2}\.[0-9]{3}\.[0-9]{3}/[0-9]{4}-[0-9]{2}",
        "two digits modulo 11",
        "br.cnpj",
        r"cnpj",
        "50.329.134/2846-40",
        1.0,
    ),
    _Number(
        "ca_sin",
        "CA",
        r"[1-79][0-9]{2}[ -]?[0-9]{3}[ -]?[0-9]{3}",
        "Luhn",
        "ca.sin",
        r"sin|social insurance(?: ?(?:no|number))?|nas",
        "242 073 377",
    ),
    _Number("cl_rut", "CL", r"[0-9]{1,2}\.[0-9]{3}\.[0-9]{3}-[0-9kK]", "weights modulo 11", "cl.rut", r"rut|run", "7.409.090-7", 0.95),
    _Number(
        "co_nit",
        "CO",
        r"[0-9]{9}-?[0-9]|[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]",
        "weights modulo 11",
        "co.nit",
        r"nit|c.dula|rut",
        "2131234321",
    ),
    _Number("do_cedula", "DO", r"[0-9]{3}-[0-9]{7}-[0-9]", "Luhn", "do.cedula", r"c.dula", "173-6301699-3", 0.8),
    _Number("ec_cedula", "EC", r"[0-9]{10}", "Luhn, province", "ec.ci", r"c.dula|ci", "1760398790"),
    _Number(
        "mx_curp",
        "MX",
        r"[A-Z][AEIOUX][A-Z]{2}[0-9]{6}[HMX][A-Z]{2}[B-DF-HJ-NP-TV-Z]{3}[A-Z0-9][0-9]",
        "weights modulo 10, date, state",
        "mx.curp",
        r"curp",
        "BOXW310820HNERXN09",
        1.0,
    ),
    _Number(
        "mx_rfc",
        "MX",
        r"[A-Z&]{3,4}[0-9]{6}[A-Z0-9]{2}[0-9A]",
        "weights modulo 11, date",
        "mx.rfc",
        r"rfc|registro federal",
        "GODE561231GR3",
        0.85,
    ),
    _Number("pe_cui", "PE", r"[0-9]{8}-?[0-9A-K]", "weights modulo 11", "pe.cui", r"dni|cui", "46433679-1"),
    _Number("ve_rif", "VE", r"[VEJGP]-?[0-9]{8}-?[0-9]", "weights modulo 11", "ve.rif", r"rif|c.dula", "V-96823119-3", 0.6),
    # Asia, Africa, Oceania
    _Number(
        "au_tfn", "AU", r"[0-9]{3} ?[0-9]{3} ?[0-9]{3}", "weights modulo 11", "au.tfn", r"tfn|tax file(?: ?(?:no|number))?", "279 166 566"
    ),
    _Number(
        "au_abn",
        "AU",
        r"[0-9]{2} ?[0-9]{3} ?[0-9]{3} ?[0-9]{3}",
        "weights modulo 89",
        "au.abn",
        r"abn|australian business(?: ?(?:no|number))?",
        "69 384 098 204",
    ),
    _Number(
        "au_medicare",
        "AU",
        r"[2-6][0-9]{3} ?[0-9]{5} ?[0-9]",
        "weights modulo 10",
        whole(lambda text: _medicare(text)),  # noqa: PLW0108 - it stands below
        r"medicare(?: ?(?:no|number|card))?",
        "2123 45670 1",
        0.0,
        "Services Australia, Medicare card numbers",
    ),
    _Number(
        "cn_resident_id",
        "CN",
        r"[1-9][0-9]{5}(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}[0-9X]",
        "ISO 7064 mod 11-2, date",
        "cn.ric",
        r"身份证|resident id",
        "360426199101010100",
        0.95,
    ),
    _Number(
        "hk_id",
        "HK",
        r"[A-Z]{1,2}[0-9]{6}\([0-9A]\)",
        "weights modulo 11",
        whole(hong_kong_holds),
        r"hkid",
        "G123456(A)",
        0.95,
        "Immigration Department of Hong Kong",
    ),
    _Number("id_nik", "ID", r"[1-9][0-9]{15}", "province, date", "id.nik", r"nik|ktp", "3176020104905074"),
    _Number("il_id", "IL", r"[0-9]{9}", "Luhn", "il.idnr", r"teudat zehut|ת\.?ז\.?|israeli id", "159030626"),
    _Number(
        "in_aadhaar", "IN", r"[2-9][0-9]{3} [0-9]{4} [0-9]{4}", "Verhoeff", "in_.aadhaar", r"aadhaa?r|uidai?|uid", "2488 1221 6442", 0.6
    ),
    _Number("in_aadhaar", "IN", r"[2-9][0-9]{3}-?[0-9]{4}-?[0-9]{4}", "Verhoeff", "in_.aadhaar", r"aadhaa?r|uidai?|uid", "248812216442"),
    _Number(
        "in_pan", "IN", r"[A-Z]{3}[ABCFGHLJPTK][A-Z][0-9]{4}[A-Z]", "holder's kind", "in_.pan", r"pan|permanent account", "ACUPA7085R", 0.8
    ),
    _Number(
        "jp_my_number",
        "JP",
        r"[0-9]{4}[ -]?[0-9]{4}[ -]?[0-9]{4}",
        "weights modulo 11",
        "jp.in_",
        r"my ?number|マイナンバー|個人番号",
        "4216 4851 1987",
    ),
    _Number(
        "kr_rrn",
        "KR",
        rf"{_REVERSED}-[0-9]{{7}}",
        "weights modulo 11, date",
        "kr.rrn",
        r"rrn|주민등록번호|resident registration",
        "971013-9016685",
        0.95,
    ),
    _Number("mu_nid", "MU", rf"[A-Z]{_SHORT_DATE}[0-9]{{6}}[0-9A-Z]", "weights modulo 17, date", "mu.nid", r"nid", "J2906201304089", 0.85),
    _Number(
        "my_nric", "MY", rf"{_REVERSED}-[0-9]{{2}}-[0-9]{{4}}", "date, place of birth", "my.nric", r"nric|mykad|ic", "770305-02-0155", 0.7
    ),
    _Number("nz_ird", "NZ", r"[0-9]{2,3}-?[0-9]{3}-?[0-9]{3}", "weights modulo 11", "nz.ird", r"ird(?: ?(?:no|number))?", "102-273-087"),
    _Number("pk_cnic", "PK", r"[1-7][0-9]{4}-[0-9]{7}-[1-9]", "province", "pk.cnic", r"cnic|nadra", "34201-0518082-9", 0.8),
    _Number(
        "sg_nric",
        "SG",
        r"[STFGM][0-9]{7}[A-Z]",
        "letter modulo 11",
        whole(singapore_holds),
        r"nric|fin",
        "S1234567D",
        0.9,
        "Immigration and Checkpoints Authority of Singapore",
    ),
    _Number(
        "th_pin",
        "TH",
        r"[1-8]-[0-9]{4}-[0-9]{5}-[0-9]{2}-[0-9]",
        "weights modulo 11",
        "th.pin",
        r"บัตรประชาชน|thai id",
        "1-3713-90153-08-3",
        0.95,
    ),
    _Number(
        "tw_id",
        "TW",
        r"[A-Z][1289][0-9]{8}",
        "weights modulo 10",
        whole(taiwan_holds),
        r"身分證|taiwan id",
        "A123456789",
        0.75,
        "Ministry of the Interior of Taiwan",
    ),
    _Number(
        "za_id",
        "ZA",
        rf"{_REVERSED}[0-9]{{4}}[01][0-9]{{2}}",
        "Luhn, date",
        "za.idnr",
        r"south african id|sa id|rsa id|id",
        "7503305002038",
        0.6,
    ),
)


def _medicare(text: str) -> bool:
    digits = digits_of(text)
    return bool(weighted((1, 3, 7, 9, 1, 3, 7, 9, 9), 10)(digits[:9]))


def _pattern(number: _Number) -> Pattern:
    validator = stdnum_check(number.check) if isinstance(number.check, str) else number.check
    label = number.words.partition("|")[0] if number.words.partition("|")[0].isascii() else "id"
    return Pattern(
        name=number.name,
        hazard="pii",
        expression=alone(number.expression),
        source=number.source or f"python-stdnum, module {number.check}, which names the authority",
        example=number.example if number.score else f"national id {number.example}",
        counter=f"{label} 0000",
        validator=validator,
        score=number.score,
        context=Context(f"{number.words}|{_ANY}", 1.0, _NO_WORDS, 0.3 if number.score else 0.0),
        locale=number.locale,
        checksum=number.checksum,
        group="national_id",
    )


PATTERNS: tuple[Pattern, ...] = tuple(_pattern(number) for number in NUMBERS)
