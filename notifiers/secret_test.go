package notifiers_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/feedwatch/feedwatch/notifiers"
)

const hidden = "xoxb-fwsecret-do-not-print-me"

func TestSecretNeverPrints(t *testing.T) {
	s := notifiers.NewSecret(hidden)
	type config struct {
		Token   notifiers.Secret
		private notifiers.Secret
		pointer *notifiers.Secret
	}
	c := config{s, s, &s}
	var out strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%T"} {
		fmt.Fprintf(&out, verb+" "+verb+" "+verb+"\n", s, c, &c)
	}
	for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(handler).Info("a", "secret", s, "config", c, "pointer", &c)
	}
	encoded, err := json.Marshal(map[string]any{"secret": s, "config": c, "map": map[string]notifiers.Secret{"k": s}})
	if err != nil {
		t.Fatal(err)
	}
	text, err := s.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	out.Write(encoded)
	out.Write(text)
	out.WriteString(s.String() + s.GoString() + fmt.Sprint(errors.New(fmt.Sprint(s))))
	if strings.Contains(out.String(), hidden) || strings.Contains(out.String(), fmt.Sprintf("%x", hidden)) {
		t.Errorf("it printed:\n%s", out.String())
	}
	if !bytes.Contains(encoded, []byte(notifiers.Redacted)) || !strings.Contains(s.String(), notifiers.Redacted) {
		t.Errorf("a secret is not told from nothing: %s", encoded)
	}
	if s.Reveal() != hidden || s.IsZero() || !notifiers.NewSecret("").IsZero() || (notifiers.Secret{}).Reveal() != "" {
		t.Error("a secret does not keep its value")
	}
}

func TestRedactor(t *testing.T) {
	r := notifiers.NewRedactor(
		notifiers.NewSecret(`tok"en/with+odd&chars`), notifiers.NewSecret("https://user:pass-word@hooks.example.com/services/T0/B0?sig=abcdef"), notifiers.NewSecret("abc"),
	)
	for _, in := range []string{
		`tok"en/with+odd&chars`, `tok%22en%2Fwith%2Bodd%26chars`, `{"k":"tok\"en/with+odd\u0026chars"}`, "https://user:pass-word@hooks.example.com/services/T0/B0?sig=abcdef",
		"Post /services/T0/B0?sig=abcdef", "pass-word", "sig=abcdef", "path /services/T0/B0 only",
		"Basic dXNlcjpwYXNzLXdvcmQ=",
	} {
		got := r.Text("before " + in + " after")
		for _, part := range []string{"odd", "pass-word", "T0", "abcdef", "dXNlcjpwYXNz"} {
			if strings.Contains(got, part) {
				t.Errorf("%q became %q", in, got)
			}
		}
		if !strings.HasPrefix(got, "before ") || !strings.HasSuffix(got, " after") {
			t.Errorf("%q became %q: more than the secret went", in, got)
		}
	}
	if got := r.Text("abc and hooks.example.com stay"); got != "abc and hooks.example.com stay" {
		t.Errorf("%q", got)
	}
}

func TestCheckURL(t *testing.T) {
	for raw, want := range map[string]string{
		"https://x.example/p": "", "http://127.0.0.1:80": "", "": "https://", "x.example": "https://", "https://": "no host",
		"ftp://x": "https://", "https://x/#f": "fragment", "https://x/%zz": "does not parse",
	} {
		err := notifiers.CheckURL("the URL", raw)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("CheckURL(%q) = %v, want %q", raw, err, want)
		}
	}
}

func TestSafeLink(t *testing.T) {
	for raw, want := range map[string]string{
		"https://x.example/a b": "https://x.example/a%20b", "javascript:alert(1)": "", "/relative": "", "": "", "https://x/" + strings.Repeat("a", 4000): "",
	} {
		if got := notifiers.SafeLink(raw); got != want {
			t.Errorf("SafeLink(%q) = %q, want %q", raw, got, want)
		}
	}
}
