"""Public holidays by country, as the `holidays` library knows them."""

from __future__ import annotations

from collections.abc import Container, Mapping
from datetime import date

import holidays


class DaysOff:
    """Calendars by ISO 3166 country code, made when first asked for; a country without one has no days off."""

    def __init__(self) -> None:
        self._calendars: dict[str, Container[date]] = {}

    def of(self, country: str) -> Container[date]:
        """The country's public holidays; `date in calendar` works for every year."""
        code = country.upper()
        if code not in self._calendars:
            self._calendars[code] = holidays.country_holidays(code) if self.knows(code) else frozenset()
        return self._calendars[code]

    def named(self, country: str, first: date, last: date) -> Mapping[date, str]:
        """The country's public holidays from `first` to `last` with their names, in English where there are any."""
        if not self.knows(country):
            return {}
        years = range(first.year, last.year + 1)
        found = holidays.country_holidays(country.upper(), years=years, language="en_US")
        return {day: name for day, name in sorted(found.items()) if first <= day <= last}

    def knows(self, country: str) -> bool:
        """Whether there is a calendar of that country."""
        return len(country) == 2 and country.upper() in holidays.list_supported_countries(include_aliases=True)
