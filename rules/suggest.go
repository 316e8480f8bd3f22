package rules

import (
	"fmt"
	"strings"
)

// didYouMean is `did you mean "x"?` for the nearest of the known words, or
// otherwise when none is near.
func didYouMean(wrong string, known []string, otherwise string) string {
	if meant := nearest(wrong, known); meant != "" {
		return fmt.Sprintf("did you mean %q?", meant) + otherLetter(wrong, meant)
	}
	return otherwise
}

// nearest is the known word that wrong is probably meant to be; "" for none.
func nearest(wrong string, known []string) string {
	best, bestDistance := "", 1+min((len(wrong)+1)/3, 3)
	for _, k := range known {
		if d := distance(fold(wrong), fold(k)); d < bestDistance {
			best, bestDistance = k, d
		}
	}
	return best
}

// fold makes staleAfter, stale-after and stale_after one word.
func fold(s string) string { return strings.ToLower(wordJoints.Replace(lookAlikes.Replace(s))) }

var wordJoints = strings.NewReplacer("_", "", "-", "", " ", "", "\u00a0", "", "\u200b", "", "‘", "", "’", "", "“", "", "”", "", "„", "")

// distance is how many letters have to be written, removed or changed, and how
// many neighbours swapped, to make b of a. Long words are not compared.
func distance(a, b string) int {
	const wordBytesMax = 200
	if len(a) > wordBytesMax || len(b) > wordBytesMax {
		return wordBytesMax
	}
	older := make([]int, len(b)+1)
	prev := make([]int, len(b)+1)
	row := make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(prev[j]+1, row[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], older[j-2]+1)
			}
		}
		older, prev, row = prev, row, older
	}
	return prev[len(b)]
}

// listed is "a, b and c", of at most limit words.
func listed(words []string, limit int) string {
	rest := 0
	if len(words) > limit {
		rest = len(words) - limit
		words = words[:limit]
	}
	s := strings.Join(words, ", ")
	if rest > 0 {
		return fmt.Sprintf("%s and %d more", s, rest)
	}
	if i := strings.LastIndex(s, ", "); i >= 0 && len(words) > 1 {
		last := words[len(words)-1]
		return strings.Join(words[:len(words)-1], ", ") + " and " + last
	}
	return s
}
