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
		m := syntaxMistake(src, err)
		found.add(m.at, notYAML, m.message, m.hint)
		return nil
	}
	if second != nil {
		found.add(spot{src: src, node: second}, notYAML, "a second YAML document begins here",
			"remove the ---, or write what follows into a file of its own: a rule file is one document")
		return nil
	}
	if first == nil || len(first.Content) == 0 {
		return nil
	}
	root := first.Content[0]
	if root.Kind == yaml.ScalarNode && root.Tag == "!!null" {
		return nil
	}
	if m, ok := foreign(src, root); ok {
		found.add(m.at, m.check, m.message, m.hint)
		return nil
	}
	return root
}

// readable checks what YAML's own reader would refuse without saying where.
func readable(src *source, found *Findings) bool {
	if strings.HasPrefix(src.text, "\xff\xfe") || strings.HasPrefix(src.text, "\xfe\xff") {
		found.add(spot{src: src, pos: Pos{Line: 1, Col: 1}}, notYAML, "the file is UTF-16, as Windows writes it", "save it as UTF-8")
		return false
	}
	line, col := 1, 0
	for i, r := range src.text {
		col++
		wrong, hint := "", "save the file as UTF-8 text, without it"
		switch {
		case r == utf8.RuneError && strings.HasPrefix(src.text[i:], "\xef\xbf\xbd"): // written as such
		case r == utf8.RuneError:
			wrong, hint = "a byte that is not UTF-8", "save the file as UTF-8"
		case r < ' ' && r != '\t' && r != '\n' && r != '\r', r == 0x7f,
			r > 0x7f && r < 0xa0 && r != 0x85, r == 0xfeff, r == 0xfffe, r == 0xffff:
			wrong = fmt.Sprintf("a character that does not print (U+%04X)", r)
		}
		if wrong != "" {
			found.add(spot{src: src, pos: Pos{Line: line, Col: col}}, notYAML, wrong, hint)
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
