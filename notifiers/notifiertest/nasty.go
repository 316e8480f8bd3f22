package notifiertest

import (
	"strings"

	"pgregory.net/rapid"

	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// NastyScene is one of Scenes with every text from outside replaced by one that
// means harm, and numbers as large as they come.
func NastyScene(t *rapid.T) Scene {
	scene := rapid.SampledFrom(Scenes()).Draw(t, "scene")
	inc := scene.Incident
	text := nastyText()
	inc.Owner, inc.Rule, inc.Source, inc.Failure = text.Draw(t, "owner"), text.Draw(t, "rule"), text.Draw(t, "source"), text.Draw(t, "failure")
	inc.Runbook = rapid.SampledFrom([]string{"", "https://x.example/a b|c>d", "javascript:alert(1)", "https://x.example/" + strings.Repeat("é", 4000)}).Draw(t, "runbook")
	nastyScope(t, &inc.Scope)
	for i := range inc.Events {
		inc.Events[i].Note, inc.Events[i].Who = text.Draw(t, "note"), text.Draw(t, "who")
		if edit := inc.Events[i].Edit; edit != nil {
			edit.Set, edit.Changes[0].What, edit.Changes[0].Now = text.Draw(t, "set"), text.Draw(t, "what"), text.Draw(t, "is now")
		}
		if rapid.Bool().Draw(t, "event scope") {
			nastyScope(t, &inc.Events[i].Scope)
		}
	}
	if inc.Ack != nil {
		inc.Ack.By = text.Draw(t, "by")
	}
	if inc.Hold != nil {
		inc.Hold.Name, inc.Hold.By = text.Draw(t, "hold"), text.Draw(t, "held by")
	}
	if a := inc.Loss.Accepted; a != nil {
		a.By, a.Reason = text.Draw(t, "accepted by"), text.Draw(t, "accepted because")
	}
	for i := range inc.Pages {
		inc.Pages[i].Scope = text.Draw(t, "page scope")
		for j := range inc.Pages[i].Targets {
			inc.Pages[i].Targets[j].Name = text.Draw(t, "target")
		}
	}
	return scene
}

func nastyScope(t *rapid.T, s *watchdog.Scope) {
	text := nastyText()
	s.Labels, s.Same = feed.Labels{}, nil
	if rapid.Bool().Draw(t, "label") {
		s.Labels = nastyLabels(t)
		for range rapid.IntRange(0, 5).Draw(t, "same") {
			s.Same = append(s.Same, nastyLabels(t))
		}
	}
	n := rapid.SampledFrom([]int{0, 1, 2, 7, 100_000, 1 << 40})
	s.Silent, s.Of, s.ElsewhereSilent, s.ElsewhereOf = n.Draw(t, "silent"), n.Draw(t, "of"), n.Draw(t, "elsewhere silent"), n.Draw(t, "elsewhere")
	s.Oldest, s.StillArrive, s.Spread = nil, nil, nil
	for range rapid.IntRange(0, watchdog.ScopeExamplesMax).Draw(t, "examples") {
		s.Oldest = append(s.Oldest, watchdog.Example{Client: text.Draw(t, "client"), Last: At("2025-11-23 23:41")})
		s.StillArrive = append(s.StillArrive, text.Draw(t, "well"))
		s.Spread = append(s.Spread, text.Draw(t, "labels"))
	}
}

// nastyLabels are one to three labels as bad as they can be parsed.
func nastyLabels(t *rapid.T) feed.Labels {
	pairs := map[string]string{}
	for _, name := range rapid.SliceOfNDistinct(rapid.StringMatching(`[a-z_][a-zA-Z0-9_]{0,63}`), 1, 3, rapid.ID).Draw(t, "labels") {
		pairs[name] = "x"
		if _, err := feed.ParseLabels(pairs); err != nil { // a name that is taken
			delete(pairs, name)
			continue
		}
		value := nastyText().Draw(t, "value")
		pairs[name] = value[:min(len(value), feed.LabelValueBytesMax)]
		if _, err := feed.ParseLabels(pairs); err != nil {
			pairs[name] = "<!channel> \u05e9\u05dc\u05d5\u05dd"
		}
	}
	labels, err := feed.ParseLabels(pairs)
	if err != nil {
		t.Fatal(err)
	}
	return labels
}

// nastyText is text that rings, formats, hides, turns around or does not end.
func nastyText() *rapid.Generator[string] {
	part := rapid.OneOf(
		rapid.SampledFrom([]string{
			"<!channel>", "<!here|here>", "<@U0123456789>", "&lt;!channel&gt;", "<https://evil.example|click>", "*bold*", "_it_", "~s~", "`code`", "```",
			"\x00", "\x1b[31m", "\r\n", "\u2028", "\u202e", "\u2066", "שלום", "مرحبا", "👩‍👩‍👧‍👦", "🇳🇴", "é", "\xff\xfe", "\ufeff", "@channel", ":fire:", "|", "\\", "\"", "&", "<", ">",
		}),
		rapid.String(),
		rapid.StringOfN(rapid.SampledFrom([]rune{'<', '&', '>', '*', '\u0301', '\u200d'}), 0, 400, -1),
		rapid.Custom(func(t *rapid.T) string { return strings.Repeat("x<&", rapid.IntRange(0, 3500).Draw(t, "times")) }),
	)
	return rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(part, 0, 4).Draw(t, "parts"), "")
	})
}
