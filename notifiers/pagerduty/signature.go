package pagerduty

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"strings"

	"github.com/feedwatch/feedwatch/notifiers"
)

// signatureHeader is "v1=<hex>", once for each key that is in force while keys
// are changed: "v1=<hex>, v1=<hex>".
const signatureHeader = "X-PagerDuty-Signature"

// signaturesMax bounds how many of them are looked at.
const signaturesMax = 16

// signer computes what a body is signed with, under each of our keys.
type signer struct {
	io.Writer
	macs []hash.Hash
}

func newSigner(secrets []notifiers.Secret) *signer {
	s := &signer{}
	var all []io.Writer
	for _, secret := range secrets {
		mac := hmac.New(sha256.New, []byte(secret.Reveal()))
		s.macs = append(s.macs, mac)
		all = append(all, mac)
	}
	s.Writer = io.MultiWriter(all...)
	return s
}

// accepts says that one of the signatures in header is of one of our keys. It
// compares all of them, so that the time it takes says nothing.
func (s *signer) accepts(header string) bool {
	given := strings.SplitN(header, ",", signaturesMax+1)
	accepted := false
	for _, mac := range s.macs {
		want := mac.Sum(nil)
		for _, one := range given[:min(len(given), signaturesMax)] {
			text, v1 := strings.CutPrefix(strings.TrimSpace(one), "v1=")
			sum, err := hex.DecodeString(text)
			if v1 && err == nil && hmac.Equal(sum, want) {
				accepted = true
			}
		}
	}
	return accepted
}

// secretBytesMin keeps a webhook from being signed with what can be guessed.
const secretBytesMin = 16

var (
	errNoSecret    = errors.New("a signing secret is empty: anybody could sign with it")
	errShortSecret = errors.New("a signing secret is shorter than 16 bytes; copy the one that PagerDuty showed when the webhook was made")
)

func checkSecrets(secrets []notifiers.Secret) error {
	if len(secrets) == 0 {
		return errNoSecret
	}
	for _, s := range secrets {
		switch n := len(strings.TrimSpace(s.Reveal())); {
		case n == 0:
			return errNoSecret
		case n < secretBytesMin:
			return errShortSecret
		}
	}
	return nil
}
