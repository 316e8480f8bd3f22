package rules

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// likeDays says what to write in place of text that names no days.
func likeDays(wrong string) string {
	word := strings.ToLower(lookAlikes.Replace(strings.TrimSpace(wrong)))
	switch word {
	case "weekdays", "weekday", "workdays", "working days", "business days", "1-5":
		return "write mon-fri"
	case "weekend", "weekends":
		return "write sat-sun"
	case "daily", "all", "every day", "everyday", "always", "*":
		return "leave days out: it is every day then"
	}
	first, last, ranged := strings.Cut(word, "-")
	from, to := likeDay(first), likeDay(last)
	switch {
	case from != "" && !ranged:
		return "write " + from
	case from != "" && to != "":
		return "write " + from + "-" + to
	}
	return "write " + daysExample
}

// likeDay is "mon" for monday and mo; "" where no day is meant.
func likeDay(word string) string {
	word = strings.TrimSuffix(strings.TrimSpace(word), ".")
	for i, name := range dayNames {
		full := strings.ToLower(time.Weekday(i).String())
		if len(word) > 1 && (strings.HasPrefix(full, word) || word == full+"s") {
			return name
		}
	}
	return ""
}

var clockLike = regexp.MustCompile(`^([0-9]{1,2})(?:[:.h]?([0-5][0-9]))?(am|pm)?$`)

// likeHours says what to write in place of text that is no hours.
func likeHours(wrong string) string {
	word := strings.ReplaceAll(strings.ToLower(lookAlikes.Replace(wrong)), " ", "")
	first, last, ok := strings.Cut(strings.Replace(word, "to", "-", 1), "-")
	from, fromOK := likeClock(first)
	to, toOK := likeClock(last)
	if !ok || !fromOK || !toOK || from == to {
		return "write for example " + hoursExample
	}
	return fmt.Sprintf("write %q", from+"-"+to)
}

// likeClock is "09:00" for 9, 9am and 9.00.
func likeClock(text string) (string, bool) {
	m := clockLike.FindStringSubmatch(text)
	if m == nil {
		return "", false
	}
	hour, _ := strconv.Atoi(m[1])
	switch {
	case m[3] != "" && (hour < 1 || hour > 12):
		return "", false
	case m[3] == "am" && hour == 12:
		hour = 0
	case m[3] == "pm" && hour != 12:
		hour += 12
	}
	minute := m[2]
	if minute == "" {
		minute = "00"
	}
	clock := fmt.Sprintf("%02d:%s", hour, minute)
	_, ok := parseClock(clock)
	return clock, ok
}

// likeDate says what to write in place of text that is no date.
func likeDate(wrong string) string {
	for _, layout := range []string{"2.1.2006", "2006/1/2", "2006.1.2", "20060102", "2006-1-2", "2 January 2006", "January 2, 2006", "2 Jan 2006", "2-Jan-2006"} {
		if t, err := time.Parse(layout, strings.TrimSpace(wrong)); err == nil {
			return "write " + t.Format(time.DateOnly)
		}
	}
	if kind, _ := fileKindOf(wrong); kind == holdsDays {
		return "write {file: " + shortened(wrong) + "}"
	}
	return "write for example " + holidaysExample
}

var offsetZones = []string{"EST", "MST", "HST"}

// standsStill says that a name of the database is no place, and its clock never
// changes, though those who write it mean a place where it does.
func standsStill(zone string) bool {
	at, hours := strings.CutPrefix(zone, "Etc/GMT")
	return slices.Contains(offsetZones, zone) || hours && at != "" && at != "0"
}
