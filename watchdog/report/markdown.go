package report

import (
	"fmt"
	"io"
	"strings"
	"unicode"
)

// Markdown writes the report as GitHub reads it.
func (r *Report) Markdown(w io.Writer) error {
	p := r.page()
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n*"+draftNote+"*\n\n", escape(p.Title), escape(p.Drafted))
	fmt.Fprintf(&b, "## Summary\n\n**%s**\n\n%s\n\n", escape(p.Headline), escape(p.Summary))
	rows := [][]string{}
	for _, f := range p.Facts {
		rows = append(rows, []string{f.Name, f.Text})
	}
	table(&b, []string{"What", "Recorded"}, rows)
	if p.Runbook != "" {
		fmt.Fprintf(&b, "Runbook: <%s>\n\n", link(p.Runbook))
	}
	b.WriteString("## Times\n\n")
	rows = rows[:0]
	for _, m := range p.Moments {
		rows = append(rows, []string{m.Name, m.At, m.After})
	}
	table(&b, []string{"What", "When", "How long it took"}, rows)
	p.markdownLosses(&b)
	fmt.Fprintf(&b, "## Root cause\n\n*%s*\n\n## Timeline\n\n", causeNote)
	rows = rows[:0]
	for _, l := range p.Timeline {
		rows = append(rows, []string{l.At, l.Text})
	}
	table(&b, []string{"UTC", "Event"}, rows)
	b.WriteString("## Corrective measures\n\n")
	rows = rows[:0]
	for _, m := range p.Measures {
		rows = append(rows, []string{m.What, m.Owner, m.Status.String(), string(m.Due)})
	}
	table(&b, []string{"Measure", "Owner", "Status", "Due"}, rows)
	if _, err := io.WriteString(w, strings.TrimRight(b.String(), "\n")+"\n"); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

func (p page) markdownLosses(b *strings.Builder) {
	b.WriteString("## What was lost, what came late\n\n")
	if p.Late != "" {
		b.WriteString(p.Late + "\n\n")
	}
	if len(p.Losses) == 0 {
		b.WriteString(p.Kept + "\n\n")
		return
	}
	b.WriteString(lossNote + "\n\n")
	head := []string{"Clients", "Lost"}
	if p.Counted {
		head = append(head, "Updates lost")
	}
	if p.Noted {
		head = append(head, "Note")
	}
	rows := [][]string{}
	for _, l := range p.Losses {
		row := []string{l.Clients, l.Lost}
		if p.Counted {
			row = append(row, l.Updates)
		}
		if p.Noted {
			row = append(row, l.Note)
		}
		rows = append(rows, row)
	}
	table(b, head, rows)
	if p.LossesMore > 0 {
		fmt.Fprintf(b, "And %d more intervals; the JSON form of this report has all.\n\n", p.LossesMore)
	}
}

// table writes a table whose columns line up where that is read as text.
func table(b *strings.Builder, head []string, rows [][]string) {
	const widthMax = 40 // a longer cell does not push the others apart
	widths := make([]int, len(head))
	cells := [][]string{head}
	for _, row := range rows {
		escaped := make([]string, len(row))
		for i, cell := range row {
			escaped[i] = escape(cell)
		}
		cells = append(cells, escaped)
	}
	for _, row := range cells {
		for i, cell := range row {
			if n := len([]rune(cell)); n <= widthMax {
				widths[i] = max(widths[i], n)
			}
		}
	}
	write := func(row []string, fill string) {
		for i, cell := range row {
			pad := max(0, widths[i]-len([]rune(cell)))
			b.WriteString("| " + cell + strings.Repeat(fill, pad) + " ")
		}
		b.WriteString("|\n")
	}
	for i, row := range cells {
		write(row, " ")
		if i == 0 {
			write(make([]string, len(head)), "-")
		}
	}
	b.WriteString("\n")
}

// escape makes text plain text to Markdown, on one line.
func escape(text string) string {
	var b strings.Builder
	runes := []rune(text)
	for i, c := range runes {
		switch {
		case c == '<':
			b.WriteString("&lt;")
			continue
		case c == '&':
			b.WriteString("&amp;")
			continue
		case unicode.IsControl(c):
			c = ' '
		case strings.ContainsRune("\\`*[]|~", c), c == '_' && !inWord(runes, i):
			b.WriteByte('\\')
		}
		b.WriteRune(c)
	}
	return b.String()
}

// inWord says that letters or digits stand on both sides: an underscore there is
// no mark-up.
func inWord(runes []rune, i int) bool {
	word := func(i int) bool {
		return i >= 0 && i < len(runes) && (unicode.IsLetter(runes[i]) || unicode.IsDigit(runes[i]))
	}
	return word(i-1) && word(i+1)
}

// link is a URL within < and >.
func link(url string) string {
	return strings.NewReplacer("<", "%3C", ">", "%3E", " ", "%20", "\n", "").Replace(url)
}
