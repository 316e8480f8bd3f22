package rules

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// HolidaysSince are the holidays that a has and was had not, and those that are gone,
// as people read them: the first ones, in order, and how many more there are. "" for
// none.
func (a *Active) HolidaysSince(was *Active) (added, removed string) {
	return dayList(a.holidaysBeyond(was)), dayList(was.holidaysBeyond(a))
}

// holidaysBeyond are those of a that other has not, in order.
func (a *Active) holidaysBeyond(other *Active) []date {
	if a == nil {
		return nil
	}
	var all []date
	for _, h := range a.holidays {
		for d := range h {
			if other == nil || !other.holiday(d) {
				all = append(all, d)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

const (
	// daysListed bounds a list of days.
	daysListed = 8
	// yearsAlike is from how many years on, one date in each, they are said as one.
	yearsAlike = 10
)

// dayList is "2026-12-24, 17 May of each year from 2027, and 3 more".
func dayList(days []date) string {
	type yearDay struct {
		month time.Month
		day   int
	}
	years := map[yearDay][]date{}
	for _, d := range days {
		t := time.Unix(int64(d)*24*3600, 0).UTC()
		of := yearDay{t.Month(), t.Day()}
		years[of] = append(years[of], d)
	}
	type entry struct {
		first date
		text  string
	}
	var all []entry
	for of, each := range years {
		if len(each) < yearsAlike {
			for _, d := range each {
				all = append(all, entry{d, time.Unix(int64(d)*24*3600, 0).UTC().Format(time.DateOnly)})
			}
			continue
		}
		text := fmt.Sprintf("%d %s of each year from %d", of.day, of.month.String()[:3], each[0].year())
		if last := each[len(each)-1].year(); last < activeLast-leapYears {
			text += fmt.Sprintf(" to %d", last)
		}
		all = append(all, entry{each[0], text})
	}
	slices.SortFunc(all, func(a, b entry) int { return cmp.Or(cmp.Compare(a.first, b.first), cmp.Compare(a.text, b.text)) })
	var parts []string
	for _, e := range all[:min(len(all), daysListed)] {
		parts = append(parts, e.text)
	}
	if more := len(all) - daysListed; more > 0 {
		parts = append(parts, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(parts, ", ")
}

// leapYears is how far one 29 February may be from the next.
const leapYears = 8
