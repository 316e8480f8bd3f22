package slack

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/feedwatch/feedwatch/notifiers"
)

// TestSectionsFit: whatever the lines are, the blocks keep every limit, the first
// lines are there, and what is left out is said.
func TestSectionsFit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(
			rapid.String(),
			rapid.Custom(func(t *rapid.T) string {
				return strings.Repeat(rapid.SampledFrom([]string{"<", "&", "x", "é", "\x00", "\xff", "👩‍👩‍👧‍👦", "שלום ", "<!channel>"}).Draw(t, "piece"), rapid.IntRange(0, 5000).Draw(t, "times"))
			}),
		)
		var lines []notifiers.Line
		for range rapid.IntRange(0, 200).Draw(t, "lines") {
			lines = append(lines, notifiers.Line{{Text: text.Draw(t, "text"), Style: rapid.SampledFrom([]notifiers.Style{notifiers.Plain, notifiers.Bold, notifiers.Code, notifiers.Name}).Draw(t, "style")}})
			if rapid.Bool().Draw(t, "gap") {
				lines = append(lines, notifiers.Line{})
			}
		}
		blocks := sections(lines)
		data, err := json.Marshal(blocks)
		if err != nil {
			t.Fatal(err)
		}
		var read []struct{ Text struct{ Text string } }
		if err := json.Unmarshal(data, &read); err != nil {
			t.Fatal(err)
		}
		total, all := 0, ""
		for _, b := range read {
			n := utf8.RuneCountInString(b.Text.Text)
			if n == 0 || n > sectionCharsMax {
				t.Fatalf("a section of %d characters", n)
			}
			total += n
			all += b.Text.Text + "\n"
		}
		if len(blocks) > blocksMax-3 || total > blocksCharsMax {
			t.Fatalf("%d blocks of %d characters", len(blocks), total)
		}
		if strings.Contains(all, "<!channel>") {
			t.Fatal("it rings")
		}
		want := 0
		for _, l := range lines {
			if n := utf8.RuneCountInString(mrkdwn(l, sectionCharsMax)); n > 0 {
				want += n + 1
			}
		}
		if lost := want > total+len(read); lost != strings.HasSuffix(all, leftOut+"\n") {
			t.Fatalf("%d of %d characters, and it says: %s", total, want, all[max(0, len(all)-60):])
		}
	})
}

// FuzzPress reads whatever comes.
func FuzzPress(f *testing.F) {
	f.Add([]byte(`{"type":"block_actions","actions":[{"action_id":"snooze_for","selected_option":{"value":"1-a 0 30m0s"}}],"user":{"id":"U1","username":"anna"}}`))
	f.Add([]byte(`{"type":"view_submission","view":{"callback_id":"resolve_form","private_metadata":"{\"subject\":\"1-a 5\"}","state":{"values":{"reason":{"text":{"value":"x"}}}}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, ok, err := parsePress(data)
		if !ok || err != nil {
			return
		}
		again, err := parseSubject(p.on.String())
		if err != nil || again != p.on {
			t.Errorf("%+v comes back as %+v, %v", p.on, again, err)
		}
		if !utf8.ValidString(p.who) || len(p.who) > 200 || len(p.reason) > 2000 {
			t.Errorf("who %q, reason of %d bytes", p.who, len(p.reason))
		}
	})
}
