package sources

import (
	"compress/gzip"
	"context"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// get reads url as a source does and gives the answer or what people would read.
func get(t *testing.T, access Access, bodyBytesMax int64, raw string) (string, error) {
	t.Helper()
	client, err := access.Client(bodyBytesMax)
	if err != nil {
		t.Fatal(err)
	}
	defer client.CloseIdleConnections()
	u, err := ParseURL(raw)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Get(u.String())
	if err != nil {
		return "", Unreachable(t.Context(), u, err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", Unreachable(t.Context(), u, err)
	}
	return string(body), nil
}

func serve(t *testing.T, handler http.HandlerFunc) string {
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

func secret(s string) Secret { return func() (string, error) { return s, nil } }

func TestClientAuthenticates(t *testing.T) {
	base := serve(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Header.Get("Authorization")) })
	for want, access := range map[string]Access{
		"":                       {},
		"Bearer fwsecret":        {BearerToken: secret("fwsecret")},
		"Basic dTpmd3NlY3JldA==": {Username: "u", Password: secret("fwsecret")},
	} {
		got, err := get(t, access, 1<<20, base)
		wantError(t, err, "")
		equal(t, "Authorization", got, want)
	}
	_, err := get(t, Access{BearerToken: func() (string, error) { return "", errors.New("the file is gone") }}, 1<<20, base)
	wantError(t, err, "bearer token: the file is gone")
}

func TestClientBoundsAnswers(t *testing.T) {
	packed := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		_, _ = io.Copy(z, io.LimitReader(zeros{}, 2<<20))
		_ = z.Close()
	})
	_, err := get(t, Access{}, 1<<20, packed)
	wantError(t, err, "is larger than 1 MiB: let it give fewer series")
	whole, err := get(t, Access{}, 2<<20, packed)
	wantError(t, err, "")
	equal(t, "an answer as large as allowed", len(whole), 2<<20)
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestFailuresForPeople(t *testing.T) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := "http://" + free.Addr().String()
	_ = free.Close()
	tlsServer := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(tlsServer.Close)
	redirecting := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://u:p@elsewhere.example/login?token=fwsecret", http.StatusFound)
	})
	cut := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = io.WriteString(w, "begun")
	})
	for _, c := range []struct{ name, url, want string }{
		{"refused", closed + "/metrics?token=fwsecret", "cannot reach " + closed + "/metrics: connection refused"},
		{"no such host", "http://feeder.invalid/metrics", "no address known for host feeder.invalid"},
		{"unknown authority", tlsServer.URL, "signed by an unknown authority; set ca_file"},
		{"redirect", redirecting, "it redirects to https://elsewhere.example/login, and redirects are not followed"},
		{"cut off", cut, "broke off"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := get(t, Access{}, 1<<20, c.url)
			wantError(t, err, c.want)
			if err != nil && strings.Contains(err.Error(), "fwsecret") {
				t.Errorf("%v tells a secret", err)
			}
		})
	}
	slow := &url.URL{Scheme: "http", Host: "prom:9090"}
	wantError(t, Unreachable(t.Context(), slow, context.DeadlineExceeded), "cannot reach http://prom:9090: no answer in time")
	ctx, cancel := context.WithTimeoutCause(t.Context(), time.Nanosecond, errTimeout)
	defer cancel()
	<-ctx.Done()
	wantError(t, Unreachable(ctx, slow, errors.New("operation was canceled")), "no answer in time")
}

func TestClientTrustsItsCAFile(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "hello") }))
	t.Cleanup(server.Close)
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := write("ca.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	got, err := get(t, Access{CAFile: good}, 1<<20, server.URL)
	wantError(t, err, "")
	equal(t, "answer", got, "hello")

	for path, want := range map[string]string{
		write("empty.pem", []byte("nothing")): "holds no certificate in PEM form",
		filepath.Join(dir, "gone.pem"):        "no such file",
	} {
		_, err := Access{CAFile: path}.Client(1)
		wantError(t, err, want)
	}
}

func TestAccessTakesOneWay(t *testing.T) {
	for _, c := range []struct {
		access Access
		want   string
	}{
		{Access{BearerToken: secret("a"), Username: "u", Password: secret("b")}, "keep one"},
		{Access{Username: "u"}, "both a user name and a password"},
		{Access{Password: secret("b")}, "both a user name and a password"},
	} {
		_, err := c.access.Client(1)
		wantError(t, err, c.want)
	}
}

func TestParseURL(t *testing.T) {
	for raw, want := range map[string]string{
		"":                            "url is missing",
		"prom:9090":                   "write it as http://host:port/path",
		"ftp://prom":                  "write it as http://host:port/path",
		"http://u:fwsecret@prom:9090": "url holds credentials",
		"http://%zz:fwsecret@x":       "cannot be read",
		"https://prom/path":           "",
	} {
		_, err := ParseURL(raw)
		wantError(t, err, want)
		if err != nil && strings.Contains(err.Error(), "fwsecret") {
			t.Errorf("%v tells a secret", err)
		}
	}
}

func TestCheckName(t *testing.T) {
	for name, want := range map[string]string{"prom-eu": "", "": "no name", "push": "choose another", "a\nb": "that print", strings.Repeat("x", 101): "up to 100"} {
		wantError(t, CheckName(name), want)
	}
}

func TestClean(t *testing.T) {
	equal(t, "one line", clean(" <html>\r\n\x1b[31mno\u2028 way\xff"), "<html> [31mno way")
	equal(t, "bounded", len([]rune(clean(strings.Repeat("ø", 1000)))), failureRunesMax)
}
