package scrape

import "bytes"

// asText makes a line of OpenMetrics one of the text format: it leaves out what
// follows the value, a timestamp in seconds and an exemplar. Up to there the two
// are the same. (expfmt's own decoder for OpenMetrics takes milliseconds for a
// line: a minute for a page of ten thousand clients.) A line that does not look
// right stays as it is; the parser then says what is wrong with it.
func asText(line []byte) []byte {
	labelsEnd := endOfLabels(line)
	if labelsEnd < 0 {
		return line
	}
	rest := line[labelsEnd:]
	value := bytes.TrimLeft(rest, " \t")
	end := bytes.IndexAny(value, " \t\r\n")
	if end <= 0 {
		return line
	}
	kept := labelsEnd + len(rest) - len(value) + end
	return append(line[:kept:kept], '\n')
}

// endOfLabels is where the name and labels of a line end; -1 where they do not.
func endOfLabels(line []byte) int {
	begin := bytes.IndexAny(line, "{ \t")
	if begin < 0 || line[begin] != '{' {
		return begin
	}
	quoted := false
	for i := begin + 1; i < len(line); i++ {
		switch c := line[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case c == '}' && !quoted:
			return i + 1
		}
	}
	return -1
}
