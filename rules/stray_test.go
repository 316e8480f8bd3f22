package rules

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// What is said of a stray key is of a key that is none, and names one that is.
func TestStrayKeys(t *testing.T) {
	for is, keys := range strayKeys {
		for name, s := range keys {
			if slices.Contains(is.names, name) {
				t.Errorf("%s has the key %s: it is not stray", is.what, name)
			}
			if s.means != "" && !slices.Contains(is.names, s.means) {
				t.Errorf("%s has no key %s, and %s is said to mean it", is.what, s.means, name)
			}
			if s.hint == "" {
				t.Errorf("nothing is said of %s in %s", name, is.what)
			}
		}
	}
}

// Each key that stands in another object has a home to name.
func TestKeysElsewhere(t *testing.T) {
	for other := range homes {
		for _, name := range other.names {
			for is := range homes {
				if slices.Contains(is.names, name) {
					continue
				}
				if s, ok := is.strayed(name); !ok || s.hint == "" {
					t.Errorf("%s of %s is unknown in %s", name, other.what, is.what)
				}
			}
		}
	}
}

func TestCommonZones(t *testing.T) {
	for _, name := range commonZones {
		if z := loadZone(name); z.err != nil {
			t.Errorf("%s: %v", name, z.err)
		}
	}
	for wrong, want := range map[string]string{
		"europe/oslo":       `did you mean "Europe/Oslo"?`,
		`Europe\Oslo`:       `did you mean "Europe/Oslo"?`,
		"Europe/New York":   "write a name of the IANA database, for example Europe/Oslo or UTC",
		"new york":          `did you mean "America/New_York"?`,
		"Americas/New_York": `did you mean "America/New_York"?`,
		"GMT+02:00":         "an offset is not a place, and its clock never changes; write the place, for example Europe/Oslo, or UTC",
		"PDT":               "initials such as CEST hold for a part of the year; write the place, for example Europe/Oslo, or UTC",
		"somewhere in Asia": "write a name of the IANA database, for example Europe/Oslo or UTC",
	} {
		if got := likeZone(wrong); got != want {
			t.Errorf("%s: %s, want %s", wrong, got, want)
		}
	}
}

func TestLikeDuration(t *testing.T) {
	for wrong, want := range map[string]time.Duration{
		"5 min": 5 * time.Minute, "7days": 7 * day, "1w": 7 * day, "2 Weeks": 14 * day, "1.5h": 90 * time.Minute, "1,5 h": 90 * time.Minute,
		"PT30M": 30 * time.Minute, "P1DT2H": 26 * time.Hour, "24:00": day, "00:30": 30 * time.Minute, "30m1h": 90 * time.Minute,
		"1 hour and 30 minutes": 90 * time.Minute, "10MIN": 10 * time.Minute,
		"": 0, "never": 0, "5": 0, "-5m": 0, "1y": 0, "99999999w": 0, "0 min": 0, "P": 0, "12:60": 0,
	} {
		if got, ok := likeDuration(wrong); got != want || ok != (want > 0) {
			t.Errorf("%q is taken for %s, %t; want %s", wrong, got, ok, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		wrong := rapid.StringMatching(`P?[0-9]{0,9}[.,:]?[0-9]{0,3} ?(min|h|d|w|weeks|M|T|s)?( and )?[0-9]{0,3}[smhdw]?`).Draw(t, "wrong")
		meant, ok := likeDuration(wrong)
		if !ok {
			return
		}
		if back, err := ParseDuration(FormatDuration(meant)); err != nil || back == 0 {
			t.Fatalf("%q is taken for %s, which is read as %s, %v", wrong, meant, back, err)
		}
	})
}

func TestLikePattern(t *testing.T) {
	for value, want := range map[string]string{"batch-*": "batch-.*", "*": ".*", "*-a-*": ".*-a-.*", "a.*": "a.*", "a|b": "a|b"} {
		if got := likePattern(value); got != want {
			t.Errorf("%s gives %s, want %s", value, got, want)
		}
	}
}
