package rules

import "testing"

var wrongQuorums = []wrongFile{
	{"a quorum of a group", ruleWith("stale_after: 1m\nper: cluster\nquorum: 3"), []string{
		`11:17: quorum goes with client rules, and this rule is per: cluster -> leave it out`,
	}},
	{"a quorum of nobody", ruleWith("stale_after: 1m\nquorum: 0"), []string{
		`10:17: quorum is "0", and must be a number of clients or a share of them -> write for example 3, or 10%`,
	}},
	{"a quorum of a part", ruleWith("stale_after: 1m\nquorum: 2.5"), []string{
		`10:17: quorum is "2.5", and must be a number of clients or a share of them -> write for example 3, or 10%`,
	}},
	{"a quorum of no share", ruleWith("stale_after: 1m\nquorum: 0%"), []string{
		`10:17: quorum is "0%", and must be a share of the clients -> write more than 0% and at most 100%, for example 50%`,
	}},
}

func TestQuorums(t *testing.T) {
	for text, want := range map[string][3]int{"3": {1, 3, 3}, "11": {1, 10, 11}, "10%": {1, 1, 2}, "100%": {1, 10, 11}, "1": {1, 1, 1}} {
		r := mustFeed(t, mustParse(t, feedWith("rules: [{name: a, stale_after: 1m, quorum: "+text+"}]")), "profiles").ClientRules()[0]
		if q := r.Quorum(); [3]int{q.Needs(0), q.Needs(10), q.Needs(11)} != want || q.String() != text || q.IsZero() {
			t.Errorf("%s needs %d, %d, %d and is written %s", text, q.Needs(0), q.Needs(10), q.Needs(11), q)
		}
	}
}
