package email

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/watchdog/delivery"
)

// DefaultLimits spare a server that counts messages.
var DefaultLimits = delivery.Limits{SendsPerMinute: 60}

// recipientsMax is what every server takes for one message (RFC 5321, 4.5.3.1.8).
const recipientsMax = 100

// TLS is how the connection is made private.
type TLS uint8

// The ways. Without TLS no password is sent.
const (
	StartTLS TLS = iota // asked for in the open; a server without it is not used
	Implicit            // from the first byte, as on port 465
	NoTLS
)

// ParseTLS reads a way as configurations write it; "" is StartTLS.
func ParseTLS(s string) (TLS, error) {
	switch s {
	case "", "starttls":
		return StartTLS, nil
	case "implicit":
		return Implicit, nil
	case "none":
		return NoTLS, nil
	}
	return 0, fmt.Errorf("tls %q: write starttls, implicit or none", s)
}

// Config is what an e-mail notifier is made from.
type Config struct {
	Server   string // host:port
	TLS      TLS
	RootCAs  *x509.CertPool // whom to believe; nil for the system's
	Hello    string         // how we call ourselves; "" for the machine's name
	Username string         // "" for no authentication
	Password notifiers.Secret
	From     string   // an address, with a name or without
	To       []string // addresses; all of them get every message
	PageURL  string   // of feedwatch's page, for links; "" for none
}

// route is a Config that was checked.
type route struct {
	Config
	host string
	from *mail.Address
	to   []*mail.Address
}

var helloName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]{0,253}[A-Za-z0-9])?$`)

func parseConfig(c Config) (route, error) {
	r := route{Config: c}
	var errs []error
	wrong := func(format string, a ...any) { errs = append(errs, fmt.Errorf(format, a...)) }
	host, port, err := net.SplitHostPort(c.Server)
	if n, portErr := strconv.Atoi(port); err != nil || host == "" || portErr != nil || n < 1 || n > 65535 {
		wrong("server %q: write it as host:port, for example smtp.example.com:587", notifiers.Clean(c.Server, 100))
	}
	r.host = host
	if r.Hello == "" {
		if r.Hello, err = os.Hostname(); err != nil || !helloName.MatchString(r.Hello) {
			r.Hello = "localhost"
		}
	} else if !helloName.MatchString(r.Hello) {
		wrong("hello %q: write this machine's name, for example feedwatch.example.com", notifiers.Clean(r.Hello, 100))
	}
	switch {
	case (c.Username == "") != c.Password.IsZero():
		wrong("a username and a password belong together; give both or none")
	case c.TLS == NoTLS && c.Username != "":
		wrong("without TLS anybody on the way reads the password: set tls to starttls or implicit")
	}
	if r.from, err = parseAddress(c.From); err != nil {
		wrong("from: %w", err)
	}
	if len(c.To) == 0 || len(c.To) > recipientsMax {
		wrong("to: there are %d recipients; name 1 to %d", len(c.To), recipientsMax)
	}
	for _, text := range c.To {
		to, err := parseAddress(text)
		switch {
		case err != nil:
			wrong("to: %w", err)
		case slices.ContainsFunc(r.to, func(other *mail.Address) bool { return strings.EqualFold(other.Address, to.Address) }):
			wrong("to: %s is there twice", to.Address)
		default:
			r.to = append(r.to, to)
		}
	}
	return r, errors.Join(append(errs, notifiers.CheckPageURL(c.PageURL))...)
}

// parseAddress takes what every server does: an address of printable ASCII. Its
// name may be anything.
func parseAddress(text string) (*mail.Address, error) {
	a, err := mail.ParseAddress(text)
	if err != nil {
		return nil, fmt.Errorf("%q is no e-mail address, such as on-call@example.com", notifiers.Clean(text, 100))
	}
	if strings.ContainsFunc(a.Address, func(r rune) bool { return r <= ' ' || r > '~' || r == '<' || r == '>' }) {
		return nil, fmt.Errorf("%q has characters that not every mail server takes", notifiers.Clean(a.Address, 100))
	}
	a.Name = notifiers.Clean(a.Name, 100)
	return a, nil
}
