package rules

import (
	"fmt"
	"strings"
	"unicode"
)

// lookAlikes are letters of other alphabets that nobody can tell from ours.
var lookAlikes = strings.NewReplacer(
	"а", "a", "с", "c", "ԁ", "d", "е", "e", "һ", "h", "і", "i", "ј", "j", "о", "o", "р", "p", "ѕ", "s", "у", "y", "х", "x",
	"А", "A", "В", "B", "С", "C", "Е", "E", "Н", "H", "І", "I", "К", "K", "М", "M", "О", "O", "Р", "P", "Т", "T", "Х", "X",
	"α", "a", "ε", "e", "ι", "i", "κ", "k", "ν", "v", "ο", "o", "ρ", "p", "τ", "t", "υ", "u",
	"ı", "i", "ɑ", "a", "ⅼ", "l", "：", ":", "–", "-", "—", "-", "−", "-", "‐", "-", "‑", "-",
)

// otherLetter says which letter of a word is none of ours, where the word that was
// meant has only such: without it the two may read the same. "" where there is none.
func otherLetter(wrong, meant string) string {
	for _, c := range wrong {
		if c > unicode.MaxASCII && !strings.ContainsRune(meant, c) {
			return fmt.Sprintf(" what stands there has %c (U+%04X)", c, c)
		}
	}
	return ""
}

// unseen is the first character of a word that leaves no trace, or turns the text
// around it, if it has one.
func unseen(word string) (rune, bool) {
	for _, c := range word {
		if unicode.Is(unicode.Cf, c) || c == '\u2028' || c == '\u2029' {
			return c, true
		}
	}
	return 0, false
}
