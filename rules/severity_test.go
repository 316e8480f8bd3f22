package rules

import "testing"

var wrongSeverities = []wrongFile{
	{"critical from nowhere", ruleWith("stale_after: 1m\nseverity: {default: error}"), []string{
		`10:19: severity does not say from when on it is critical -> write critical_from: 50%, or one severity alone, as in severity: error`,
	}},
	{"critical from the first on", ruleWith("stale_after: 1m\nseverity: {default: critical, critical_from: 50%}"), []string{
		`10:29: it is critical from the first client on -> write severity: critical, or a milder default`,
	}},
	{"critical from no share", ruleWith("stale_after: 1m\nseverity: {critical_from: 30}"), []string{
		`10:35: critical_from is "30", and must be a share of the clients -> write 30%`,
	}},
	{"critical from more than all", ruleWith("stale_after: 1m\nseverity: {default: eror, critical_from: 101%}"), []string{
		`10:29: unknown severity "eror" -> did you mean "error"?`,
		`10:50: critical_from is "101%", and must be a share of the clients -> write more than 0% and at most 100%, for example 50%`,
	}},
}

func TestSeverities(t *testing.T) {
	set := mustParse(t, feedWith("defaults: {severity: {default: warning, critical_from: 12.5%}}\nrules: [{name: a, stale_after: 1m}, {name: b, per: cluster, stale_after: 1m, severity: info}]"))
	f := mustFeed(t, set, "profiles")
	rises, flat := f.ClientRules()[0].Severities(), f.GroupRules()[0].Severities()
	for _, c := range []struct {
		s          Severities
		silent, of int
		want       Severity
	}{{rises, 0, 0, Warning}, {rises, 0, 8, Warning}, {rises, 1, 8, Critical}, {rises, 1, 9, Warning}, {rises, 8, 8, Critical}, {flat, 8, 8, Info}} {
		if got := c.s.At(c.silent, c.of); got != c.want {
			t.Errorf("%s with %d of %d is %s, want %s", c.s, c.silent, c.of, got, c.want)
		}
	}
	if rises.String() != "warning, critical from 12.5% of the clients" || rises.Worst() != Critical || flat.Worst() != Info {
		t.Errorf("they are %q and %q", rises, flat)
	}
}
