package sources

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"unicode"
)

// failureRunesMax bounds what is shown to people of a failure: it may quote an
// answer from outside.
const failureRunesMax = 300

// Unreachable says in plain words why a request to url was not answered. It
// never quotes credentials.
func Unreachable(ctx context.Context, target *url.URL, err error) error {
	where := ShowURL(target)
	var dns *net.DNSError
	var op *net.OpError
	var syscallErr *os.SyscallError
	var tooLarge *bodyTooLarge
	var cert *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	switch {
	case errors.Is(context.Cause(ctx), errTimeout), isTimeout(err):
		return fmt.Errorf("cannot reach %s: no answer in time", where)
	case errors.As(err, &tooLarge):
		return fmt.Errorf("the answer of %s %w", where, tooLarge)
	case errors.As(err, &authority):
		return fmt.Errorf("cannot reach %s: its certificate is signed by an unknown authority; set ca_file to that authority's certificate", where)
	case errors.As(err, &cert):
		return fmt.Errorf("cannot reach %s: its certificate is not valid: %w", where, cert.Err)
	case errors.As(err, &dns):
		return fmt.Errorf("cannot reach %s: no address known for host %s", where, dns.Name)
	case errors.As(err, &syscallErr):
		return fmt.Errorf("cannot reach %s: %w", where, syscallErr.Err)
	case errors.As(err, &op):
		return fmt.Errorf("cannot reach %s: %w", where, op.Err)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("the answer of %s broke off", where)
	}
	var wrapped *url.Error // its text has the URL
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	return fmt.Errorf("cannot read %s: %w", where, err)
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &t) && t.Timeout()
}

// ShowURL is u for people: without credentials and query.
func ShowURL(u *url.URL) string {
	shown := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}
	return shown.String()
}

// clean makes one short printable line of text from outside.
func clean(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, text)
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > failureRunesMax {
		text = string(runes[:failureRunesMax-1]) + "…"
	}
	return text
}
