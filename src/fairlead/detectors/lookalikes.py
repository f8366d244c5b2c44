"""Characters that look like Latin letters, by the letter that they look like.

Source: Unicode Technical Standard 39, ``confusables.txt``: single characters whose prototype is one ASCII letter and that no compatibility
form makes Latin already. Added: small capitals, turned letters, letters in black circles and squares, regional indicators, and the
Cyrillic and Greek small letters that public obfuscators use.
"""

_BY_LETTER = {
    "A": "ΑАᎪᗅꓮ𐊠𖽀🅐🅰🇦",
    "a": "ɐɑαаᴀ",
    "B": "ΒВᏴᗷꓐꞴ𐊂𐊡𐌁🅑🅱🇧",
    "b": "ƄʙβЬвᏏᑲᖯ",
    "C": "ϹСᏟⲤꓚ𐊢𐌂𐐕𐔜🅒🅲🇨",
    "c": "ɔϲсᴄⲥꮯ𐐽",
    "D": "Ꭰᗞᗪꓓ🅓🅳🇩",
    "d": "ԁᏧᑯᴅꓒ",
    "E": "ΕЕᎬⴹꓰ𐊆𑢦𑢮🅔🅴🇪",
    "e": "ǝεеҽᴇꬲ",
    "F": "ϜᖴꓝꞘ𐊇𐊥𐔥𑢢𑣂🅕🅵🇫",
    "f": "ɟքẝꜰꞙꬵ",
    "G": "ԌᏀᏳꓖ🅖🅶🇬",
    "g": "ƃƍɡɢցᶃ",
    "H": "ΗНᎻᕼⲎꓧ𐋏🅗🅷🇭",
    "h": "ɥʜнһհᏂ",
    "I": "ΙІⲒꓲ🅘🅸🇮",
    "i": "ıɩɪιіӏᎥιꙇꭵ𑣃",  # noqa: RUF001 - look-alikes are the matter
    "J": "ͿЈᎫᒍꓙꞲ🅙🅹🇯",
    "j": "ɾϳјᴊ",
    "K": "ΚКᏦᛕⲔꓗ𐔘🅚🅺🇰",
    "k": "ʞκкᴋ",
    "L": "ᏞᒪⳐꓡ𐐛𐔦𑢣𑢲𖼖🅛🅻🇱",
    "l": "ƖǀʟӀᛁⵏ𐊊𐌉𖼨",
    "M": "ΜϺМᎷᗰᛖⲘꓟ𐊰𐌑🅜🅼🇲",
    "m": "ɯмᴍ",
    "N": "ΝⲚꓠ𐔓🅝🅽🇳",
    "n": "ɴηпոռ",
    "O": "ΟОՕଠዐⲞⵔꓳ𐊒𐊫𐐄𐓂𐔖𑢵🅞🅾🇴",
    "o": "οσоօഠဝჿᴏᴑⲟꬽ𐐬𐓪𑣈𑣗",  # noqa: RUF001 - look-alikes are the matter
    "P": "ΡРᏢᑭⲢꓑ𐊕🅟🅿🇵",
    "p": "ρϱрᴘⲣ",
    "Q": "ⵕ🅠🆀🇶",
    "q": "ԛգզꞯ",
    "R": "ƦᎡᏒᖇꓣ𐒴𖼵🅡🆁🇷",
    "r": "ɹʀгᴦⲅꭇꭈꮁ",
    "S": "ЅՏᏕᏚꓢ𐊖𐐠𖼺🅢🆂🇸",
    "s": "ƽѕꜱꮪ𐑈𑣁",  # noqa: RUF001 - look-alikes are the matter
    "T": "ΤТᎢⲦꓔ𐊗𐊱𐌕𑢼𖼊🅣🆃🇹",
    "t": "ʇτтᴛ",
    "U": "Սሀᑌꓴ𐓎𑢸𖽂🅤🆄🇺",
    "u": "ʋυսᴜꞟꭎꭒ𐓶𑣘",  # noqa: RUF001 - look-alikes are the matter
    "V": "ѴᏙᐯⴸꓦꛟ𐔝𑢠𖼈🅥🆅🇻",
    "v": "ʌνѵᴠꮩ𑜆𑣀",
    "W": "ԜᎳᏔꓪ🅦🆆🇼",
    "w": "ʍωѡԝաᴡꮃ𑜊𑜎𑜏",
    "X": "ΧХᚷⲬⵝꓫꞳ𐊐𐊴𐌗𐔧🅧🆇🇽",
    "x": "χхᕁᕽ",
    "Y": "ΥϒУҮᎩᎽⲨꓬ𐊲𑢤𖽃🅨🆈🇾",
    "y": "ɣʎʏγуүყᶌỿℽꭚ𑣜",
    "Z": "ΖᏃꓜ𑢩🅩🆉🇿",
    "z": "ᴢꮓ𑣄",  # noqa: RUF001 - look-alikes are the matter
}
LOOK_ALIKES = {character: letter for letter, characters in _BY_LETTER.items() for character in characters}
"""Character to the Latin letter that it looks like."""
