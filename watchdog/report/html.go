package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
)

//go:embed report.html
var htmlText string

var htmlTemplate = template.Must(template.New("report").Parse(htmlText))

// HTML writes the report as one page that needs nothing else: no script, no
// network.
func (r *Report) HTML(w io.Writer) error {
	p := struct {
		page
		DraftNote, CauseNote, LossNote string
	}{r.page(), "", causeNote, lossNote}
	p.DraftNote = fmt.Sprintf(draftNote, p.Drafted)
	if err := htmlTemplate.Execute(w, p); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}
