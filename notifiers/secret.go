package notifiers

import (
	"fmt"
	"io"
	"log/slog"
)

// Redacted is what stands wherever a secret would have been printed.
const Redacted = "[secret]"

// Secret is a token, a key or a URL that holds one. It prints as Redacted under
// every verb, in JSON, in text and in slog, and also as an unexported field of
// another struct, where fmt calls no methods: the value is behind a pointer,
// which fmt does not follow there. The zero Secret is empty.
type Secret struct{ value *string }

// NewSecret is value as a Secret.
func NewSecret(value string) Secret {
	if value == "" {
		return Secret{}
	}
	return Secret{&value}
}

// Reveal is the value, for the request that needs it and nothing else.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// IsZero says that there is no value.
func (s Secret) IsZero() bool { return s.value == nil }

// String is Redacted.
func (s Secret) String() string { return Redacted }

// GoString is Redacted.
func (s Secret) GoString() string { return Redacted }

// Format writes Redacted whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Redacted) }

// MarshalText writes Redacted.
func (s Secret) MarshalText() ([]byte, error) { return []byte(Redacted), nil }

// MarshalJSON writes Redacted.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + Redacted + `"`), nil }

// LogValue is Redacted.
func (s Secret) LogValue() slog.Value { return slog.StringValue(Redacted) }
