package email_test

import (
	"errors"
	"flag"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
	"pgregory.net/rapid"

	"github.com/feedwatch/feedwatch/notifiers/notifiertest"
	"github.com/feedwatch/feedwatch/watchdog/delivery"
)

var update = flag.Bool("update", false, "write the golden files anew")

// letter is a message as a mail program reads it.
type letter struct {
	header      mail.Header
	plain, html string
}

func subject(h mail.Header) string {
	s, err := new(mime.WordDecoder).DecodeHeader(h.Get("Subject"))
	if err != nil {
		return "unreadable: " + err.Error()
	}
	return s
}

func read(t rapid.TB, m notifiertest.SMTPMail) letter {
	l := letter{header: m.Header()}
	kind, params, err := mime.ParseMediaType(l.header.Get("Content-Type"))
	if err != nil {
		t.Fatalf("%v in %s", err, m.Raw)
	}
	parsed, err := mail.ReadMessage(strings.NewReader(string(m.Raw)))
	if err != nil {
		t.Fatal(err)
	}
	if kind == "text/plain" {
		text, err := io.ReadAll(quotedprintable.NewReader(parsed.Body))
		if err != nil {
			t.Fatal(err)
		}
		l.plain = strings.ReplaceAll(string(text), "\r\n", "\n")
		return l
	}
	parts := multipart.NewReader(parsed.Body, params["boundary"])
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return l
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(part) // it decodes quoted-printable
		if err != nil {
			t.Fatal(err)
		}
		into := &l.plain
		if strings.HasPrefix(part.Header.Get("Content-Type"), "text/html") {
			into = &l.html
		}
		*into = strings.ReplaceAll(string(text), "\r\n", "\n")
	}
}

// TestLetters holds what a person reads, of a page and of its end.
func TestLetters(t *testing.T) {
	s := server(t, notifiertest.SMTPOptions{})
	n := newNotifier(t, config(s))
	var all strings.Builder
	for _, scene := range []notifiertest.Scene{notifiertest.OneCluster(), notifiertest.Resolved()} {
		if _, err := n.Deliver(t.Context(), scene.Op(delivery.Tell, target)); err != nil {
			t.Fatal(err)
		}
		mails := s.Mails()
		l := read(t, mails[len(mails)-1])
		for _, name := range []string{"From", "To", "Date", "Subject", "Message-Id", "In-Reply-To", "References", "Auto-Submitted", "Importance"} {
			all.WriteString(name + ": " + l.header.Get(name) + "\n")
		}
		all.WriteString("\n" + l.plain + "\n" + l.html + "\n")
	}
	golden := filepath.Join("testdata", "letters.txt")
	if *update {
		if err := os.WriteFile(golden, []byte(all.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if all.String() != string(want) {
		t.Errorf("%s differs (-update writes it anew)\n%s", golden, &all)
	}
}

// TestThread: whatever becomes of an incident, its messages have one subject and
// refer to one id, each has an id of its own, and a repeat has the same one.
func TestThread(t *testing.T) {
	s := server(t, notifiertest.SMTPOptions{})
	n := newNotifier(t, config(s))
	inc := notifiertest.Grown().Incident
	scene := notifiertest.Grown()
	var ops []delivery.Op
	for i := range inc.Events {
		op := scene.Op(delivery.Tell, target)
		op.Event, op.Name, op.Page = &inc.Events[i], "e"+string(rune('1'+i)), nil
		if p := op.Event.Page; p > 0 {
			op.Page = &inc.Pages[p-1]
		}
		ops = append(ops, op)
	}
	again := ops[0]
	again.MaybeSent = true // the process was killed between sending and keeping the receipt
	for _, op := range append(ops, again) {
		ref, err := n.Deliver(t.Context(), op)
		if err != nil {
			t.Fatal(err)
		}
		mails := s.Mails()
		h := mails[len(mails)-1].Header()
		if h.Get("Message-Id") != "<"+ref+">" || !strings.HasSuffix(ref, "@example.com") {
			t.Errorf("the ref %q is not the message's id %q", ref, h.Get("Message-Id"))
		}
		if len(mails[len(mails)-1].To) != 2 {
			t.Errorf("sent to %v", mails[len(mails)-1].To)
		}
	}
	mails := s.Mails()
	first, ids := mails[0].Header(), []string{}
	for _, m := range mails {
		h := m.Header()
		ids = append(ids, h.Get("Message-Id"))
		if h.Get("References") != first.Get("References") || h.Get("In-Reply-To") != first.Get("References") || h.Get("References") == "" {
			t.Errorf("another thread: %v", h)
		}
		if strings.TrimPrefix(subject(h), "Re: ") != strings.TrimPrefix(subject(first), "Re: ") {
			t.Errorf("another subject: %q", subject(h))
		}
	}
	if ids[0] != ids[len(ids)-1] {
		t.Error("a repeat has another id")
	}
	ids = ids[1:]
	slices.Sort(ids)
	if len(slices.Compact(ids)) != len(ops) {
		t.Errorf("two messages share an id: %q", ids)
	}
}

// TestNastyLetters: whatever names mean harm, they make no header, no recipient,
// no markup and no link.
func TestNastyLetters(t *testing.T) {
	s := server(t, notifiertest.SMTPOptions{})
	n := newNotifier(t, config(s))
	rapid.Check(t, func(t *rapid.T) {
		op := notifiertest.NastyScene(t).Op(delivery.Tell, target)
		op.Minimal = rapid.Bool().Draw(t, "minimal")
		if _, err := n.Deliver(t.Context(), op); err != nil {
			t.Fatal(err)
		}
		mails := s.Mails()
		m := mails[len(mails)-1]
		l := read(t, m)
		if len(m.To) != 2 || len(l.header["Subject"]) != 1 || len(l.header["Bcc"])+len(l.header["Cc"]) > 0 || len(l.header) > 16 {
			t.Fatalf("to %q, header %v", m.To, l.header)
		}
		if text := subject(l.header); strings.ContainsAny(text, "\r\n\x00") || len(text) > 400 || text == "" {
			t.Fatalf("subject %q", text)
		}
		if op.Minimal != (l.html == "") || l.plain == "" {
			t.Fatalf("minimal %v, with HTML of %d bytes", op.Minimal, len(l.html))
		}
		checkMarkup(t, l.html)
	})
}

// checkMarkup: the only elements are those of the template, and links are web links.
func checkMarkup(t *rapid.T, text string) {
	known := []string{"html", "head", "meta", "body", "p", "b", "code", "ul", "li", "a"}
	for z := html.NewTokenizer(strings.NewReader(text)); ; {
		kind := z.Next()
		if kind == html.ErrorToken {
			return
		}
		token := z.Token()
		if kind != html.StartTagToken && kind != html.SelfClosingTagToken {
			continue
		}
		if !slices.Contains(known, token.Data) {
			t.Fatalf("an element %q came in: %s", token.Data, text)
		}
		for _, a := range token.Attr {
			if a.Key == "href" && !strings.HasPrefix(a.Val, "https://") && !strings.HasPrefix(a.Val, "http://") {
				t.Fatalf("a link to %q", a.Val)
			}
		}
	}
}
