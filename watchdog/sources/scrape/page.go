package scrape

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

const (
	lineBytesMax  = 64 << 10
	chunkBytesMax = 64 << 10
)

// page parses metrics in the text format or in OpenMetrics, of which it wants
// two at most. It hands their lines on in chunks: a page of a million clients is
// never in memory as a whole.
type page struct {
	metric, eventMetric string
	openMetrics         bool
	chunk               bytes.Buffer
	line                int // number of the line that was read last
}

// take gets one value and a way to its labels.
type take func(get func(label string) string, seconds float64) error

var errBrokenOff = errors.New("the page breaks off before its end")

// parse reads to the end and hands values of the metric to arrival, those of the
// event metric to event.
func (p *page) parse(r io.Reader, arrival, event take) error {
	lines := bufio.NewReaderSize(r, lineBytesMax)
	ended := false
	for {
		line, err := lines.ReadSlice('\n')
		p.line++
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			return fmt.Errorf("line %d is longer than %d KiB", p.line, lineBytesMax>>10)
		case errors.Is(err, io.EOF):
			if len(line) > 0 && !bytes.Equal(line, eofMark) || p.openMetrics && !ended && len(line) == 0 {
				return errBrokenOff
			}
			return p.flush(arrival, event)
		case err != nil:
			return err
		}
		ended = bytes.Equal(bytes.TrimRight(line, "\r\n"), eofMark)
		if !p.wants(line) {
			continue
		}
		if p.openMetrics {
			line = asText(line)
		}
		p.chunk.Write(line)
		if p.chunk.Len() >= chunkBytesMax {
			if err := p.flush(arrival, event); err != nil {
				return err
			}
		}
	}
}

// eofMark ends a page of OpenMetrics, with or without a line feed.
var eofMark = []byte("# EOF")

// wants says whether a line is a value of one of the two metrics. Comments are
// left out, types with them: what they would change is of no matter here.
func (p *page) wants(line []byte) bool {
	line = bytes.TrimLeft(line, " \t")
	return isValueOf(line, p.metric) || p.eventMetric != "" && isValueOf(line, p.eventMetric)
}

func isValueOf(line []byte, metric string) bool {
	rest, ok := bytes.CutPrefix(line, []byte(metric))
	return ok && len(rest) > 0 && (rest[0] == '{' || rest[0] == ' ' || rest[0] == '\t')
}

// flush parses the lines gathered so far.
func (p *page) flush(arrival, event take) error {
	defer p.chunk.Reset()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(&p.chunk)
	if err != nil {
		return fmt.Errorf("before line %d: %w", p.line, err)
	}
	if err := each(families[p.metric], arrival); err != nil {
		return err
	}
	return each(families[p.eventMetric], event)
}

func each(family *dto.MetricFamily, one take) error {
	for _, m := range family.GetMetric() {
		if err := one(labelOf(m), valueOf(m)); err != nil {
			return err
		}
	}
	return nil
}

func labelOf(m *dto.Metric) func(name string) string {
	return func(name string) string {
		for _, pair := range m.GetLabel() {
			if pair.GetName() == name {
				return pair.GetValue()
			}
		}
		return ""
	}
}

func valueOf(m *dto.Metric) float64 {
	if m.GetUntyped() == nil { // without a type line every value is untyped
		return math.NaN()
	}
	return m.GetUntyped().GetValue()
}
