package notifiers

import (
	"testing"
	"time"
)

func TestCount(t *testing.T) {
	for n, want := range map[int]string{0: "0", 7: "7", 999: "999", 1000: "1,000", 1248: "1,248", 3100000: "3,100,000", -1248: "-1,248"} {
		if got := Count(n); got != want {
			t.Errorf("Count(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestDurationAndAge(t *testing.T) {
	const day = 24 * time.Hour
	cases := []struct {
		d             time.Duration
		duration, age string
	}{
		{0, "0 ms", "0 s"},
		{400 * time.Millisecond, "400 ms", "0 s"},
		{40 * time.Second, "40 s", "40 s"},
		{90 * time.Second, "1 min 30 s", "1 min 30 s"},
		{5 * time.Minute, "5 min", "5 min"},
		{5*time.Minute + 2*time.Second, "5 min 2 s", "5 min"},
		{time.Hour, "1 h", "1 h"},
		{7 * day, "7 d", "7 d"},
		{6*day + 23*time.Hour + 55*time.Minute, "6 d 23 h 55 min", "6 d 23 h 55 min"},
		{9*day + 18*time.Hour + 3*time.Second, "9 d 18 h 3 s", "9 d 18 h"},
		{-5 * time.Minute, "5 min", "5 min"},
	}
	for _, c := range cases {
		if got := Duration(c.d); got != c.duration {
			t.Errorf("Duration(%s) = %q, want %q", c.d, got, c.duration)
		}
		if got := Age(c.d); got != c.age {
			t.Errorf("Age(%s) = %q, want %q", c.d, got, c.age)
		}
	}
}

func TestPace(t *testing.T) {
	for v, want := range map[float64]string{
		10: "10 h of events per hour", 1.5: "1.5 h of events per hour", 9.97: "10 h of events per hour", 2: "2 h of events per hour",
		0.66: "40 min of events per hour", 0: "0 min of events per hour", 2000: "2,000 h of events per hour", 1e300: "1,000,000 h of events per hour",
	} {
		if got := pace(v); got != want {
			t.Errorf("pace(%v) = %q, want %q", v, got, want)
		}
	}
}

func TestClock(t *testing.T) {
	at := func(s string) time.Time {
		got, err := time.Parse("2006-01-02 15:04:05", s)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	ref := at("2025-12-31 23:50:00")
	c := clock{ref: ref}
	cases := []struct{ what, got, want string }{
		{"today", c.time(at("2025-12-31 00:10:07")), "00:10"},
		{"today in seconds", clock{ref: ref, seconds: true}.time(at("2025-12-31 00:10:07")), "00:10:07"},
		{"tomorrow, next year", c.time(at("2026-01-01 00:10:00")), "1 Jan 00:10"},
		{"far off", c.time(at("2027-01-01 00:10:00")), "1 Jan 2027 00:10"},
		{"another zone", c.time(ref.In(time.FixedZone("", 3600))), "23:50"},
		{"span", c.span(at("2025-11-24 00:00:00"), at("2025-11-26 18:00:00"), "to"), "24 Nov 00:00 to 26 Nov 18:00"},
		{"span in a day", c.span(at("2025-11-24 00:00:00"), at("2025-11-24 18:00:00"), "to"), "24 Nov 00:00 to 18:00"},
	}
	for _, k := range cases {
		if k.got != k.want {
			t.Errorf("%s: %q, want %q", k.what, k.got, k.want)
		}
	}
}

func TestClean(t *testing.T) {
	family := "👩\u200d👩\u200d👧"
	cases := []struct {
		in   string
		max  int
		want string
	}{
		{"acme", 60, "acme"},
		{"acme", 4, "acme"},
		{"acmes", 4, "acm…"},
		{"", 4, ""},
		{"a\x00b\nc\x1b[31m", 60, "a b c [31m"},
		{"a\u202eb\u2066c\ufeff", 60, "abc"},
		{"a\xffb", 60, "a\ufffdb"},
		{"éte\u0301x", 4, "ét…"},
		{family + family, 8, family + "…"},
		{"blåbærsyltetøy", 5, "blåb…"},
	}
	for _, c := range cases {
		if got := Clean(c.in, c.max); got != c.want {
			t.Errorf("Clean(%q, %d) = %q, want %q", c.in, c.max, got, c.want)
		}
	}
}

func TestAbout(t *testing.T) {
	for n, want := range map[float64]string{
		0: "", -1: "", 0.7: "about 1", 48.4: "about 48", 999.6: "about 1,000", 31_415: "about 31,400", 3_141_592: "about 3.14 M", 3_100_000: "about 3.1 M", 2e9: "about 2000 M", 1e300: "",
	} {
		if got := About(n); got != want {
			t.Errorf("About(%g) = %q, want %q", n, got, want)
		}
	}
}
