package pagerduty

import (
	"strconv"
	"strings"
)

// keyPrefix begins the dedup keys of an installation.
func keyPrefix(install string) string { return "fw/" + install + "/" }

// parseKey finds the incident's id and the page in a dedup key of install; ok is
// false for keys of anybody else.
func parseKey(install, key string) (incident string, page int, ok bool) {
	rest, ours := strings.CutPrefix(key, keyPrefix(install))
	at := strings.LastIndex(rest, "/p")
	if !ours || at < 0 {
		return "", 0, false
	}
	page, err := strconv.Atoi(rest[at+len("/p"):])
	stem := rest[:at] // feed/id; a feed's name may hold slashes, an id does not
	slash := strings.LastIndexByte(stem, '/')
	if err != nil || page < 1 || slash < 1 || slash == len(stem)-1 {
		return "", 0, false
	}
	return stem[slash+1:], page, true
}
