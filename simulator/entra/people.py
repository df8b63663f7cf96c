"""Names for made-up people: a first and a last name each, and a number once they run out."""

_FIRST = ("Ada", "Bela", "Chidi", "Dana", "Elif", "Farid", "Greta", "Hugo", "Ines", "Jonas", "Kaya", "Lena", "Milo", "Nora", "Omar", "Pia")
_LAST = ("Adler", "Berg", "Costa", "Duarte", "Engel", "Fischer", "Garcia", "Haas", "Ito", "Jansen", "Keller", "Lopez", "Moreau")


def name(number: int) -> str:
    """The name of the `number`th person (from 0); no two are alike."""
    first, last = _FIRST[number % len(_FIRST)], _LAST[number % len(_LAST)]
    again = number // (len(_FIRST) * len(_LAST))
    return f"{first} {last}" + (f" {again + 1}" if again else "")
