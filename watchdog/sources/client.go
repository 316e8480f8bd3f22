package sources

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"
)

// Secret gives a credential at the time of a request, so that a file that is
// rotated counts at once. A func never prints what it gives. Nil: none.
type Secret func() (string, error)

// Access says how to reach an HTTP server and who we are there. At most one of
// the two ways to authenticate is set.
type Access struct {
	BearerToken Secret
	Username    string // with Password: HTTP basic authentication
	Password    Secret
	CAFile      string // PEM; "": the system's authorities
}

// connectionIdleMax is how long an unused connection is kept: past the usual intervals.
const connectionIdleMax = 2 * time.Minute

// Client makes an HTTP client that authenticates itself, follows no redirect
// (credentials would go with it) and gives up on an answer larger than
// bodyBytesMax once unpacked. Time-outs are the request's context's.
func (a Access) Client(bodyBytesMax int64) (*http.Client, error) {
	if a.BearerToken != nil && (a.Username != "" || a.Password != nil) {
		return nil, errors.New("a bearer token and basic authentication are both set: keep one")
	}
	if (a.Username == "") != (a.Password == nil) {
		return nil, errors.New("basic authentication takes both a user name and a password")
	}
	tlsConfig := &tls.Config{MinVersion: tls.VersionTLS12}
	if a.CAFile != "" {
		pool, err := authorities(a.CAFile)
		if err != nil {
			return nil, err
		}
		tlsConfig.RootCAs = pool
	}
	base := &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		TLSClientConfig:     tlsConfig,
		ForceAttemptHTTP2:   true,
		MaxIdleConnsPerHost: 2,
		IdleConnTimeout:     connectionIdleMax,
	}
	return &http.Client{
		Transport:     &transport{base: base, access: a, bodyBytesMax: bodyBytesMax},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}

func authorities(path string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("ca_file: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("ca_file: %s holds no certificate in PEM form", path)
	}
	return pool, nil
}

// transport adds credentials, refuses redirects and bounds answers.
type transport struct {
	base         http.RoundTripper
	access       Access
	bodyBytesMax int64
}

// RoundTrip sends one request.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	if err := t.authenticate(req); err != nil {
		return nil, err
	}
	resp, err := t.base.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode >= 300 && resp.StatusCode < 400 {
		_ = resp.Body.Close()
		return nil, redirected(resp)
	}
	resp.Body = &boundedBody{ReadCloser: resp.Body, left: t.bodyBytesMax, max: t.bodyBytesMax}
	return resp, nil
}

func (t *transport) authenticate(req *http.Request) error {
	if t.access.BearerToken != nil {
		token, err := t.access.BearerToken()
		if err != nil {
			return fmt.Errorf("bearer token: %w", err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if t.access.Password != nil {
		password, err := t.access.Password()
		if err != nil {
			return fmt.Errorf("password: %w", err)
		}
		req.SetBasicAuth(t.access.Username, password)
	}
	return nil
}

func redirected(resp *http.Response) error {
	to, err := resp.Location()
	if err != nil {
		return fmt.Errorf("it answered %s", resp.Status)
	}
	return fmt.Errorf("it redirects to %s, and redirects are not followed: set url to where it should go", ShowURL(to))
}

// boundedBody fails once more than max bytes come, instead of passing on a part.
type boundedBody struct {
	io.ReadCloser
	left, max int64
}

func (b *boundedBody) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, &bodyTooLarge{max: b.max}
	}
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.ReadCloser.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return n - 1, &bodyTooLarge{max: b.max}
	}
	return n, err
}

type bodyTooLarge struct{ max int64 }

func (e *bodyTooLarge) Error() string {
	return fmt.Sprintf("is larger than %d MiB: let it give fewer series or labels", e.max>>20)
}

// ParseURL checks an address to read from.
func ParseURL(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	switch {
	case raw == "":
		return nil, errors.New("url is missing")
	case err != nil:
		return nil, errors.New("url cannot be read: write it as http://host:port/path")
	case u.Scheme != "http" && u.Scheme != "https", u.Host == "":
		return nil, fmt.Errorf("url %q: write it as http://host:port/path", ShowURL(u))
	case u.User != nil:
		return nil, errors.New("url holds credentials: set a user name and a password, or a bearer token, beside it")
	}
	return u, nil
}

// CheckName says what is wrong with the name of a source.
func CheckName(name string) error {
	const bytesMax = 100
	switch {
	case name == "":
		return errors.New("the source has no name")
	case name == "push":
		return errors.New(`"push" is the source behind the HTTP entrances: choose another name`)
	case len(name) > bytesMax || clean(name) != name:
		return fmt.Errorf("source %q: a name has up to %d bytes that print", clean(name), bytesMax)
	}
	return nil
}
