package feed

import (
	"errors"
	"strings"
	"testing"
	"unicode"
)

// names that people have in any script stay as they are.
func TestNamesInEveryScript(t *testing.T) {
	for _, name := range []string{
		"acme", "b c/d", "Ærlig & Søn AS", "Straße", "e\u0301te\u0301", "Москва", "北京", "서울", "東京 支店", "עברית", "العربية", "हिन्दी", "ไทย",
		"acme \u00a0b", "🚀", "❤\ufe0f", "👍🏽", "🇳🇴", "<!channel>", "a\ufffdb",
	} {
		key, err := ParseKey("profiles", name)
		if err != nil || key.Client() != name {
			t.Errorf("%q: %v", name, err)
		}
		if labels, err := ParseLabels(map[string]string{"a": name}); err != nil || labels.Get("a") != name {
			t.Errorf("label %q: %v", name, err)
		}
	}
}

// What does not show, or turns the text around it, could make one client look
// like another, or a message say the opposite.
func TestNamesThatDoNotShowAsTheyAre(t *testing.T) {
	check := func(r rune) {
		t.Helper()
		name := "acme" + string(r) + "corp"
		_, err := ParseKey("profiles", name)
		if !errors.Is(err, ErrName) || strings.ContainsRune(err.Error(), r) {
			t.Errorf("%U: %v", r, err)
		}
		if _, err := ParseLabels(map[string]string{"a": name}); !errors.Is(err, ErrName) {
			t.Errorf("label with %U: %v", r, err)
		}
	}
	for _, r := range []rune{
		0, '\t', '\n', '\x1b', 0x7f, 0x85, 0xad, 0x34f, 0x61c, 0x115f, 0x180e, 0x200b, 0x200c, 0x200d, 0x200e, 0x200f, 0x2028, 0x2029,
		0x202a, 0x202e, 0x2060, 0x2066, 0x2069, 0x3164, 0xe000, 0xfeff, 0xffa0, 0xfff9, 0xe0001, 0xe0041, 0xf0000,
	} {
		check(r)
	}
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Zl, unicode.Zp) && r%97 == 0 {
			check(r)
		}
	}
	_, err := ParseKey("profiles", "acme\u202ecorp")
	if want := `bad name: client "acme\u202ecorp" has U+202E, which does not show or turns the text around it: leave it out`; err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}
