package api

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// Role is what a token may do.
type Role string

// The roles. An admin may do all of it.
const (
	RolePush  Role = "push"  // send heartbeats
	RoleRead  Role = "read"  // see status, metrics and the page
	RoleAdmin Role = "admin" // acknowledge, silence, reload
)

// AllFeeds in a token's list of feeds stands for every feed.
const AllFeeds = "*"

// Bounds on a secret: what cannot be guessed, and what fits a header.
const (
	SecretBytesMin = 16
	SecretBytesMax = 512
)

// Token lets its bearer do what its roles say, on its feeds. It keeps a hash:
// the secret itself is not in it, so it cannot print.
type Token struct {
	name  string
	sum   [sha256.Size]byte
	roles []Role
	feeds []string
	quota *feed.Quota // nil: it may make as many series as there may be
}

// NewToken checks and hashes. feeds are exact names, or AllFeeds.
func NewToken(name, secret string, roles []Role, feeds []string) (Token, error) {
	switch {
	case name == "":
		return Token{}, errors.New("a token needs a name, to be found in logs by")
	case len(secret) < SecretBytesMin || len(secret) > SecretBytesMax:
		return Token{}, fmt.Errorf("token %q: a secret has %d to %d bytes, this one %d; `openssl rand -hex 24` makes one",
			name, SecretBytesMin, SecretBytesMax, len(secret))
	case strings.ContainsFunc(secret, func(r rune) bool { return r <= ' ' || r > '~' }):
		return Token{}, fmt.Errorf("token %q: the secret has white space or a character that is not ASCII", name)
	case len(roles) == 0:
		return Token{}, fmt.Errorf("token %q: give it roles: push, read or admin", name)
	case len(feeds) == 0:
		return Token{}, fmt.Errorf("token %q: give it feeds, or %q for all", name, AllFeeds)
	}
	for _, role := range roles {
		if role != RolePush && role != RoleRead && role != RoleAdmin {
			return Token{}, fmt.Errorf("token %q: unknown role %q: push, read and admin are known", name, role)
		}
	}
	for _, f := range feeds {
		if err := feed.CheckFeedName(f); err != nil && f != AllFeeds {
			return Token{}, fmt.Errorf("token %q: %w", name, err)
		}
	}
	return Token{name: name, sum: sha256.Sum256([]byte(secret)), roles: slices.Clone(roles), feeds: slices.Clone(feeds)}, nil
}

// Bounded is the token when it makes no further series once its feeds hold
// seriesMax; 0: it may make as many as there may be.
func (t Token) Bounded(seriesMax int) Token {
	if seriesMax == 0 {
		return t
	}
	t.quota = &feed.Quota{SeriesMax: seriesMax}
	if !t.reachesAll() {
		t.quota.Feeds = t.feeds
	}
	return t
}

// Name is what logs call the token.
func (t *Token) Name() string { return t.name }

// LogValue is the name alone.
func (t Token) LogValue() slog.Value { return slog.StringValue(t.name) }

// String is the name alone.
func (t Token) String() string { return "token " + t.name }

// Format keeps every verb, %#v too, from printing more than the name.
func (t Token) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(t.String())) }

func (t *Token) may(role Role) bool {
	return slices.Contains(t.roles, role) || slices.Contains(t.roles, RoleAdmin)
}

// reaches says that the token is for the feed called name. The nil token is
// that of a reader where reading is open.
func (t *Token) reaches(name string) bool {
	return t == nil || slices.Contains(t.feeds, AllFeeds) || slices.Contains(t.feeds, name)
}

func (t *Token) reachesAll() bool { return t == nil || slices.Contains(t.feeds, AllFeeds) }

func (t *Token) rolesText() string {
	words := make([]string, len(t.roles))
	for i, r := range t.roles {
		words[i] = string(r)
	}
	return strings.Join(words, ", ")
}

// tokens are all that are known.
type tokens []Token

// find looks through all of them whatever it finds, so that the time it takes
// says nothing.
func (all tokens) find(secret string) *Token {
	sum := sha256.Sum256([]byte(secret))
	var found *Token
	for i := range all {
		if subtle.ConstantTimeCompare(sum[:], all[i].sum[:]) == 1 {
			found = &all[i]
		}
	}
	return found
}

func (all tokens) anyMay(role Role) bool {
	return slices.ContainsFunc(all, func(t Token) bool { return t.may(role) })
}

func (all tokens) check() error {
	for i := range all {
		for j := range i {
			switch {
			case all[i].name == all[j].name:
				return fmt.Errorf("two tokens are called %q", all[i].name)
			case all[i].sum == all[j].sum:
				return fmt.Errorf("tokens %q and %q have the same secret", all[i].name, all[j].name)
			}
		}
	}
	return nil
}

// secretOf is what the request gives: a bearer token, or the password of basic
// authentication, which is what a browser can ask for; the name does not count.
func secretOf(r *http.Request) string {
	header := r.Header.Get("Authorization")
	if scheme, rest, ok := strings.Cut(header, " "); ok && strings.EqualFold(scheme, "bearer") {
		return strings.TrimSpace(rest)
	}
	_, password, _ := r.BasicAuth()
	return password
}

// refusal is why a request is not let through.
type refusal struct {
	code int
	text string
}

func (r *refusal) Error() string { return r.text }

// permit finds the token of a request that needs role; nil, nil is a reader
// where reading is open.
func (a *API) permit(r *http.Request, role Role) (*Token, error) {
	if role == RoleRead && a.cfg.ReadOpen {
		return nil, nil
	}
	return a.permitSecret(secretOf(r), role)
}

func (a *API) permitSecret(secret string, role Role) (*Token, error) {
	if secret == "" {
		return nil, &refusal{
			http.StatusUnauthorized,
			fmt.Sprintf("no token: send `Authorization: Bearer TOKEN` with a token that has the role %s", role),
		}
	}
	token := a.tokens.find(secret)
	if token == nil {
		return nil, &refusal{
			http.StatusUnauthorized,
			"unknown token: it is none of the tokens in feedwatch's configuration; was it changed there, or cut on the way?",
		}
	}
	if !token.may(role) {
		return nil, &refusal{
			http.StatusForbidden,
			fmt.Sprintf("token %q has the role %s; this needs %s", token.name, token.rolesText(), role),
		}
	}
	return token, nil
}

// permitForm finds the token of a person with a browser who sends a form: the
// one in it, or else the password that the browser was asked for.
func (a *API) permitForm(r *http.Request) (*Token, error) {
	secret := r.PostFormValue("token")
	if secret == "" {
		secret = secretOf(r)
	}
	if secret == "" {
		return nil, &refusal{http.StatusUnauthorized, "the token is missing: give one that has the role admin"}
	}
	return a.permitSecret(secret, RoleAdmin)
}

// outOfReach says that the token is for other feeds.
func outOfReach(t *Token, name string) *refusal {
	return &refusal{
		http.StatusForbidden,
		fmt.Sprintf("token %q may not touch feed %q; its feeds are: %s", t.name, name, strings.Join(t.feeds, ", ")),
	}
}
