package rules

import (
	"fmt"
	"regexp"
	"strings"
)

// commonZones are names of the IANA database that a slip of the pen is compared
// with; every other name of it is taken too.
var commonZones = strings.Fields(`
Africa/Cairo Africa/Casablanca Africa/Johannesburg Africa/Lagos Africa/Nairobi
America/Anchorage America/Argentina/Buenos_Aires America/Bogota America/Chicago America/Denver America/Halifax
America/Lima America/Los_Angeles America/Mexico_City America/New_York America/Phoenix America/Santiago
America/Sao_Paulo America/Toronto America/Vancouver
Asia/Bangkok Asia/Dhaka Asia/Dubai Asia/Hong_Kong Asia/Jakarta Asia/Jerusalem Asia/Karachi Asia/Kolkata Asia/Manila
Asia/Riyadh Asia/Seoul Asia/Shanghai Asia/Singapore Asia/Taipei Asia/Tehran Asia/Tokyo
Atlantic/Reykjavik Australia/Brisbane Australia/Melbourne Australia/Perth Australia/Sydney
Europe/Amsterdam Europe/Athens Europe/Belgrade Europe/Berlin Europe/Brussels Europe/Bucharest Europe/Budapest
Europe/Copenhagen Europe/Dublin Europe/Helsinki Europe/Istanbul Europe/Kyiv Europe/Lisbon Europe/London
Europe/Luxembourg Europe/Madrid Europe/Moscow Europe/Oslo Europe/Paris Europe/Prague Europe/Riga Europe/Rome
Europe/Sofia Europe/Stockholm Europe/Tallinn Europe/Vienna Europe/Vilnius Europe/Warsaw Europe/Zagreb Europe/Zurich
Pacific/Auckland Pacific/Honolulu UTC`)

var (
	zoneOffset  = regexp.MustCompile(`^(?i:UTC|GMT|CET|Z)? ?[+-][0-9]{1,2}(?::?[0-9]{2})?$`)
	zoneInitial = regexp.MustCompile(`^[A-Z]{2,5}$`)
)

const noPlace = "an offset is not a place, and its clock never changes; write the place, for example Europe/Oslo, or UTC"

// likeZone says what to write in place of a name that is no timezone's.
func likeZone(wrong string) string {
	for _, zone := range commonZones {
		city := zone[strings.LastIndex(zone, "/")+1:]
		if strings.EqualFold(wrong, zone) || fold(wrong) == fold(city) || fold(strings.ReplaceAll(wrong, `\`, "/")) == fold(zone) {
			return fmt.Sprintf("did you mean %q?", zone)
		}
	}
	switch {
	case zoneOffset.MatchString(wrong):
		return noPlace
	case zoneInitial.MatchString(wrong):
		return "initials such as CEST hold for a part of the year; write the place, for example Europe/Oslo, or UTC"
	default:
		return didYouMean(wrong, commonZones, "write a name of the IANA database, for example Europe/Oslo or UTC")
	}
}
