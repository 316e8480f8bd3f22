package rules

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// document is the one YAML document of src, or nil when the file is empty or
// not YAML; what is wrong with it is in found.
func document(src *source, found *Findings) *yaml.Node {
	if !readable(src, found) {
		return nil
	}
	first, second, err := loadNodes(src.text)
	if err != nil {
		at, message, hint := syntaxError(src, err)
		found.add(at, notYAML, message, hint)
		return nil
	}
	if second != nil {
		found.add(spot{src: src, node: second}, notYAML, "a second YAML document begins here",
			"write it into a file of its own: a rule file is one document")
		return nil
	}
	if first == nil || len(first.Content) == 0 {
		return nil
	}
	root := first.Content[0]
	if root.Kind == yaml.ScalarNode && root.Tag == "!!null" {
		return nil
	}
	return root
}

// readable checks what YAML's own reader would refuse without saying where.
func readable(src *source, found *Findings) bool {
	line, col := 1, 0
	for i, r := range src.text {
		col++
		wrong := ""
		switch {
		case r == utf8.RuneError && strings.HasPrefix(src.text[i:], "\xef\xbf\xbd"): // written as such
		case r == utf8.RuneError:
			wrong = "a byte that is not UTF-8"
		case r < ' ' && r != '\t' && r != '\n' && r != '\r', r == 0x7f,
			r > 0x7f && r < 0xa0 && r != 0x85, r == 0xfeff, r == 0xfffe, r == 0xffff:
			wrong = fmt.Sprintf("a character that does not print (U+%04X)", r)
		}
		if wrong != "" {
			found.add(spot{src: src, pos: Pos{Line: line, Col: col}}, notYAML, wrong, "save the file as UTF-8 text, without it")
			return false
		}
		crlf := r == '\r' && strings.HasPrefix(src.text[i+1:], "\n")
		if strings.ContainsRune("\n\r\u0085\u2028\u2029", r) && !crlf {
			line, col = line+1, 0
		}
	}
	return true
}

// loadNodes reads up to two documents. A panic of the YAML library is an error
// like any other: a rule file must not be able to stop the watch.
func loadNodes(text string) (first, second *yaml.Node, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("yaml: %v", p)
		}
	}()
	loader, err := yaml.NewLoader(bytes.NewReader([]byte(text)))
	if err != nil {
		return nil, nil, err
	}
	for _, n := range []**yaml.Node{&first, &second} {
		var doc yaml.Node
		switch err := loader.Load(&doc); {
		case errors.Is(err, io.EOF):
			return first, second, nil
		case err != nil:
			return nil, nil, err
		}
		*n = &doc
	}
	return first, second, nil
}

// syntaxError places what YAML itself refuses, and says it in words that need
// no knowledge of its grammar where we know the usual cause.
func syntaxError(src *source, err error) (at spot, message, hint string) {
	var load *yaml.LoadError
	if !errors.As(err, &load) {
		return spot{src: src, pos: Pos{Line: 1, Col: 1}}, "not YAML: " + err.Error(), ""
	}
	pos := Pos{Line: load.Mark.Line, Col: load.Mark.Column}
	if strings.Contains(load.Message, "end of stream") && load.ContextMark.Line > 0 {
		pos = Pos{Line: load.ContextMark.Line, Col: load.ContextMark.Column}
	}
	at = spot{src: src, pos: src.clamp(pos)}
	message = "not YAML: " + load.Message
	rest := string(src.rest(at.pos))
	switch {
	case strings.HasPrefix(strings.TrimLeft(rest, " "), "\t"):
		message, hint = "not YAML: a tab where YAML wants spaces", "indent with spaces"
	case strings.Contains(load.Message, "mapping values are not allowed"):
		hint = `put the text in quotes if it holds ": ", or check the indentation`
	case strings.Contains(load.Message, "cannot start any token"):
		hint = "put the text in quotes"
	case strings.Contains(load.Message, "unknown anchor"):
		hint = "an anchor (&name) must stand in the same file, before its alias (*name)"
	case strings.Contains(load.Message, "end of stream"):
		message, hint = "not YAML: a quote that is never closed", "close it"
	case strings.Contains(load.Message, "did not find expected"):
		hint = "check the indentation, the brackets and the quotes just before"
	}
	return at, message, hint
}
