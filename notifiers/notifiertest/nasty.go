package notifiertest

import (
	"strings"

	"pgregory.net/rapid"

	"github.com/feedwatch/feedwatch/watchdog"
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
		if rapid.Bool().Draw(t, "event scope") {
			nastyScope(t, &inc.Events[i].Scope)
		}
	}
	if inc.Ack != nil {
		inc.Ack.By = text.Draw(t, "by")
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
	if rapid.Bool().Draw(t, "label") {
		s.Label, s.Value = text.Draw(t, "label"), text.Draw(t, "value")
	}
	n := rapid.SampledFrom([]int{0, 1, 2, 7, 100_000, 1 << 40})
	s.Silent, s.Of, s.ElsewhereSilent, s.ElsewhereOf = n.Draw(t, "silent"), n.Draw(t, "of"), n.Draw(t, "elsewhere silent"), n.Draw(t, "elsewhere")
	s.Oldest, s.StillArrive, s.Labels = nil, nil, nil
	for range rapid.IntRange(0, watchdog.ScopeExamplesMax).Draw(t, "examples") {
		s.Oldest = append(s.Oldest, watchdog.Example{Client: text.Draw(t, "client"), Last: At("2025-11-23 23:41")})
		s.StillArrive = append(s.StillArrive, text.Draw(t, "well"))
		s.Labels = append(s.Labels, text.Draw(t, "labels"))
	}
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
