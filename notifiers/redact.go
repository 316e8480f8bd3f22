package notifiers

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net"
	"net/url"
	"slices"
	"strings"
)

// Redactor takes secrets out of texts: as they are, and as they look inside a
// URL, a form or a JSON string. The zero Redactor knows none.
type Redactor struct{ needles []string }

// redactBytesMin keeps a one-letter "secret" from eating every text.
const redactBytesMin = 4

// NewRedactor knows the given secrets. Of a secret that is a URL it also knows
// the password (also as a header holds it), the path and the query, which an error
// may quote by themselves.
func NewRedactor(secrets ...Secret) Redactor {
	var needles []string
	for _, s := range secrets {
		v := s.Reveal()
		needles = append(needles, v)
		u, err := url.Parse(v)
		if err != nil || u.Host == "" {
			continue
		}
		if password, ok := u.User.Password(); ok {
			basic := u.User.Username() + ":" + password // as it goes into a header
			needles = append(needles, password, base64.StdEncoding.EncodeToString([]byte(basic)))
		}
		needles = append(needles, u.RequestURI(), u.Path, u.RawQuery)
	}
	var forms []string
	for _, n := range needles {
		if len(n) < redactBytesMin {
			continue
		}
		quoted, _ := json.Marshal(n) // a string always marshals
		forms = append(forms, n, url.QueryEscape(n), url.PathEscape(n), strings.Trim(string(quoted), `"`))
	}
	// The longest first, so that no part of one is left over.
	slices.SortFunc(forms, func(a, b string) int { return len(b) - len(a) })
	return Redactor{slices.Compact(forms)}
}

// Text is s without the secrets.
func (r Redactor) Text(s string) string {
	for _, n := range r.needles {
		s = strings.ReplaceAll(s, n, Redacted)
	}
	return s
}

// RedactedURL is a URL as people may see it: scheme and host, never user,
// path or query, where webhook URLs carry their secrets.
func RedactedURL(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return "(a URL that does not parse)"
	}
	return u.Scheme + "://" + u.Host
}

// failure is an error whose text is fit to print. Of the cause it keeps only
// whether it was a cancellation or a deadline: the cause's own text may quote
// a URL with a token.
type failure struct {
	text  string
	cause error // context.Canceled, context.DeadlineExceeded or nil
}

func (f *failure) Error() string { return f.text }

func (f *failure) Unwrap() error { return f.cause }

// NewFailure is an error that says text without r's secrets, bounded, on one
// line; cause, if any, counts only for being a cancellation or a deadline.
func NewFailure(r Redactor, text string, cause error) error {
	f := &failure{text: Clean(r.Text(text), failureRunesMax)}
	switch {
	case errors.Is(cause, context.Canceled):
		f.cause = context.Canceled
	case errors.Is(cause, context.DeadlineExceeded):
		f.cause = context.DeadlineExceeded
	}
	return f
}

const failureRunesMax = 600

// causeText is what went wrong without the URL that *url.Error puts before it.
func causeText(err error) string {
	var inURL *url.Error
	for errors.As(err, &inURL) {
		err = inURL.Err
	}
	var dns *net.DNSError
	if errors.As(err, &dns) {
		return "cannot resolve " + dns.Name + ": " + dns.Err
	}
	return err.Error()
}
