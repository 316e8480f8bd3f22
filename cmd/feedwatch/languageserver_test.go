package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// languageServer is yaml-language-server, which editors start, over its standard
// input and output.
type languageServer struct {
	t        *testing.T
	in       io.Writer
	messages chan rpcMessage
	ids      int
	said     map[string]json.RawMessage // the newest diagnostics, by document
}

type rpcMessage struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
	Result json.RawMessage `json:"result"`
}

const languageServerTimeout = 60 * time.Second

func startLanguageServer(t *testing.T) *languageServer {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(repository, ".tools/npm/node_modules/.bin/yaml-language-server"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("yaml-language-server is not installed; `make test` installs it: %v", err)
	}
	cmd := exec.CommandContext(t.Context(), path, "--stdio")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s := &languageServer{t: t, in: in, messages: make(chan rpcMessage, 100), said: map[string]json.RawMessage{}}
	go s.read(bufio.NewReader(out))
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // killed
	})
	s.request("initialize", map[string]any{
		"processId": nil, "rootUri": nil,
		"capabilities": map[string]any{"textDocument": map[string]any{"completion": map[string]any{}, "hover": map[string]any{}}},
	})
	s.notify("initialized", map[string]any{})
	return s
}

// read passes messages on until the server is gone.
func (s *languageServer) read(r *bufio.Reader) {
	defer close(s.messages)
	for {
		length := 0
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				return
			}
			line = strings.TrimSpace(line)
			if line == "" {
				break
			}
			if n, ok := strings.CutPrefix(line, "Content-Length: "); ok {
				length, _ = strconv.Atoi(n)
			}
		}
		body := make([]byte, length)
		if _, err := io.ReadFull(r, body); err != nil {
			return
		}
		var m rpcMessage
		if json.Unmarshal(body, &m) == nil {
			s.messages <- m
		}
	}
}

func (s *languageServer) write(m map[string]any) {
	s.t.Helper()
	m["jsonrpc"] = "2.0"
	body, err := json.Marshal(m)
	if err == nil {
		_, err = fmt.Fprintf(s.in, "Content-Length: %d\r\n\r\n%s", len(body), body)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *languageServer) notify(method string, params any) {
	s.t.Helper()
	s.write(map[string]any{"method": method, "params": params})
}

// next is the next message that is no request; requests get an empty answer.
func (s *languageServer) next() (rpcMessage, error) {
	select {
	case m, ok := <-s.messages:
		switch {
		case !ok:
			return m, errors.New("the language server is gone")
		case m.Method == "workspace/configuration":
			s.write(map[string]any{"id": m.ID, "result": []any{map[string]any{"validate": true}, nil, nil, nil}})
		case m.Method != "" && m.ID != nil:
			s.write(map[string]any{"id": m.ID, "result": nil})
		case m.Method == "textDocument/publishDiagnostics":
			var p struct {
				URI         string          `json:"uri"`
				Diagnostics json.RawMessage `json:"diagnostics"`
			}
			if err := json.Unmarshal(m.Params, &p); err != nil {
				return m, err
			}
			s.said[p.URI] = p.Diagnostics
		}
		return m, nil
	case <-time.After(languageServerTimeout):
		return rpcMessage{}, errors.New("the language server does not answer")
	}
}

func (s *languageServer) request(method string, params any) json.RawMessage {
	s.t.Helper()
	s.ids++
	s.write(map[string]any{"id": s.ids, "method": method, "params": params})
	for {
		m, err := s.next()
		if err != nil {
			s.t.Fatalf("%s: %v", method, err)
		}
		if m.Method == "" && string(m.ID) == strconv.Itoa(s.ids) {
			return m.Result
		}
	}
}

// open shows a document to the server, and is where and what it complains of.
func (s *languageServer) open(uri, text string) []string {
	s.t.Helper()
	s.notify("textDocument/didOpen", map[string]any{
		"textDocument": map[string]any{"uri": uri, "languageId": "yaml", "version": 1, "text": text},
	})
	for s.said[uri] == nil {
		if _, err := s.next(); err != nil {
			s.t.Fatalf("open %s: %v", uri, err)
		}
	}
	var all []struct {
		Message string
		Range   struct{ Start struct{ Line, Character int } }
	}
	if err := json.Unmarshal(s.said[uri], &all); err != nil {
		s.t.Fatal(err)
	}
	var lines []string
	for _, d := range all {
		lines = append(lines, fmt.Sprintf("%d:%d: %s", d.Range.Start.Line+1, d.Range.Start.Character+1, d.Message))
	}
	return lines
}
