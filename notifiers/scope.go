package notifiers

import (
	"strings"

	"github.com/feedwatch/feedwatch/watchdog"
)

// widest is the scope that people were told of at its worst: while an incident
// recovers its scope shrinks, but what it was about does not.
func widest(inc *watchdog.Incident) watchdog.Scope {
	if inc.State != watchdog.StateRecovering && inc.State != watchdog.StateResolved {
		return inc.Scope
	}
	return inc.Worst
}

// Affected is for whom an incident was at its worst: the scope, and in words "all
// 1,248 clients" or "312 of 1,248 clients: cluster fsn1".
func Affected(inc *watchdog.Incident) (watchdog.Scope, string) {
	s := widest(inc)
	return s, whom(s)
}

// Where is on what an incident was, of what a label can say: "every cluster and
// every tier", "cluster fsn1"; "" where no label says anything.
func Where(inc *watchdog.Incident) string {
	s := widest(inc)
	switch {
	case !s.Whole():
		return where(s)
	case everyone(s) && len(s.Spread) > 0:
		return labelCounts(s.Spread)
	default:
		return ""
	}
}

// clientsIn counts all clients of the feed, in the scope and elsewhere.
func clientsIn(s watchdog.Scope) int { return s.Of + s.ElsewhereOf }

// everyone says that the scope is the whole feed and all of it is in trouble.
func everyone(s watchdog.Scope) bool { return s.Whole() && s.Silent >= s.Of && s.Of > 0 }

// whom is "all 1,248 clients" or "312 of 1,248 clients: cluster fsn1"; "" for
// a feed that had no clients, also where some have come since.
func whom(s watchdog.Scope) string {
	switch {
	case clientsIn(s) == 0 || s.Silent == 0:
		return ""
	case everyone(s) && s.Of == 1:
		return "its only client" + exampleOf(s, ", ")
	case everyone(s):
		return "all " + Count(s.Of) + " clients"
	case s.Silent == 1:
		return "1 of " + Count(clientsIn(s)) + " clients" + exampleOf(s, ": ")
	case s.Whole():
		return Count(s.Silent) + " of " + Count(s.Of) + " clients"
	default:
		return Count(s.Silent) + " of " + Count(clientsIn(s)) + " clients: " + where(s)
	}
}

// where is the labels of a scope in running text: "cluster fsn1, tier pro".
func where(s watchdog.Scope) string {
	var words []string
	n := len(s.Labels.Map())
	for label, value := range s.Labels.All() {
		words = append(words, Clean(label, whereRunesMax/n)+" "+nameWithin(value, whereRunesMax/n).Text)
	}
	return strings.Join(words, ", ")
}

// combination is the labels of a scope as they are matched: "cluster=fsn1, tier=pro".
func combination(labels string) Span {
	return Span{Text: Clean(labels, combinationRunesMax), Style: Code}
}

const (
	whereRunesMax       = 60
	combinationRunesMax = 120
)

func exampleOf(s watchdog.Scope, sep string) string {
	if len(s.Oldest) == 0 {
		return ""
	}
	return sep + name(s.Oldest[0].Client).Text
}

// scopeLine is the scope with its counter-evidence.
func scopeLine(inc *watchdog.Incident, s watchdog.Scope) Line {
	are := troubleOf(inc.Cause).are
	counts := Count(s.Silent) + " of " + Count(s.Of) + " clients"
	switch {
	case inc.Cause == watchdog.CauseBlind && everyone(s):
		return nil // said already
	case clientsIn(s) == 0:
		return Line{plain("the whole feed; it has no known clients yet.")}
	case everyone(s) && len(s.Spread) > 0 && s.Of > 1:
		return Line{plain("every client, on "), note(labelCounts(s.Spread)), plain(".")}
	case everyone(s):
		return Line{plain("every client of the feed.")}
	case s.Silent == 1 && len(s.Oldest) > 0:
		return Line{name(s.Oldest[0].Client), plain(" alone, of " + Count(clientsIn(s)) + " clients.")}
	case s.Whole():
		return Line{plain(counts + " " + isOr(are, s.Silent) + "; no label explains it.")}
	default:
		elsewhere := "; the feed has no others."
		if s.ElsewhereOf > 0 {
			elsewhere = ", " + Count(s.ElsewhereSilent) + " of " + Count(s.ElsewhereOf) + " elsewhere."
		}
		line := Line{plain(counts + " on "), combination(s.Labels.String()), plain(" " + isOr(are, s.Silent) + elsewhere)}
		return append(line, sameLine(s)...)
	}
}

// sameLine names the other labels that could be the cause as well.
func sameLine(s watchdog.Scope) Line {
	var line Line
	for i, labels := range s.Same[:min(len(s.Same), sameShown)] {
		if i > 0 {
			line = append(line, plain(" or "))
		}
		line = append(line, combination(labels.String()))
	}
	if len(line) == 0 {
		return nil
	}
	return append(append(Line{plain(" Same extent: ")}, line...), plain("."))
}

const sameShown = 3

// isOr is the verb phrase "are silent" for n clients.
func isOr(are string, n int) string {
	if n == 1 {
		return strings.Replace(are, "are ", "is ", 1)
	}
	return are
}

// labelCounts turns "cluster=3" into "every cluster (3)".
func labelCounts(pairs []string) string {
	pairs = pairs[:min(len(pairs), labelsShown)]
	words := make([]string, 0, len(pairs))
	for _, p := range pairs {
		word := "every "
		label, n, counted := strings.Cut(p, "=")
		word += Clean(label, nameRunesMax)
		if counted {
			word += " (" + Clean(n, nameRunesMax) + ")"
		}
		words = append(words, word)
	}
	return strings.Join(words, " and ")
}

const labelsShown = 2

const examplesShown = 3

// oldestLine names those in trouble the longest.
func oldestLine(s watchdog.Scope, c clock) Line {
	var line Line
	for i, e := range s.Oldest[:min(len(s.Oldest), examplesShown)] {
		if i > 0 {
			line = append(line, plain("; "))
		}
		when := ", never"
		if !e.Last.IsZero() {
			when = ", " + c.time(e.Last.Time()) + " UTC"
		}
		line = append(line, name(e.Client), plain(when))
	}
	return append(line, plain("."))
}

// arrivingLine names those in the scope that are well.
func arrivingLine(s watchdog.Scope) Line {
	n := s.Of - s.Silent
	line := Line{plain(Count(n) + " still arrive: ")}
	if n == 1 {
		line = Line{plain("1 still arrives: ")}
	}
	shown := s.StillArrive[:min(len(s.StillArrive), examplesShown)]
	for i, client := range shown {
		if i > 0 {
			line = append(line, plain(", "))
		}
		line = append(line, name(client))
	}
	if more := n - len(shown); more > 0 {
		line = append(line, plain(" and "+Count(more)+" more"))
	}
	return append(line, plain("."))
}
